"""Print docs/command-line.md: the help of every verb, and what a few commands really answer."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from gateway.cli.main import main

DATA = Path(__file__).parent / "data" / "manual"
WIDTH = 100

HEAD = """<!-- Printed by `make generate`; change the code, not this page. -->

# The command line

`tokenhub VERB [CONFIG]`. `CONFIG` is a file, or a folder that holds `tokenhub.yaml`; left out, it is
`$TOKENHUB_CONFIG`, else `./tokenhub.yaml`, else `./configs/tokenhub.yaml`. Results go to standard output, everything
else to standard error; colour and progress appear on a terminal only. `--format json` is stable.

The examples below are run by the tests, on this configuration:
"""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "validate-config": (
        "tokenhub validate-config --coverage",
        "tokenhub validate-config --simulate 'openai down, anthropic 429'",
        "tokenhub validate-config next.yaml --format github",
    ),
    "explain": (
        "tokenhub explain --model smart --tokens 3000 --key web-app --down openai",
        "tokenhub explain --body request.json --strategy latency --latency openai=900ms --latency azure=400ms",
        "tokenhub explain --mode planning --budget 0.01",
    ),
    "plan": (
        "tokenhub plan tokenhub.yaml next.yaml --replay requests.jsonl",
        "tokenhub plan tokenhub.yaml next.yaml --format markdown",
    ),
    "bisect": ("tokenhub bisect --model smart",),
    "render": (
        "tokenhub render next.yaml | head -5",
        "tokenhub render --format k8s-configmap --suffix | head -12",
    ),
    "init": ("tokenhub init ours 2>&1 | grep written",),
    "import": ("tokenhub import litellm litellm.yaml 2>&1 > translated.yaml", "head -12 translated.yaml"),
    "schema": ("tokenhub schema --project | head -4",),
}


def manual() -> str:
    """The page, as it should be now."""
    with scene():
        return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield f"```yaml\n{(DATA / 'tokenhub.yaml').read_text()}```\n"
    for verb in main.list_commands(click.Context(main)):
        yield f"## {verb}\n"
        for path, _ in sorted(_commands(verb)):
            yield f"```text\n{help_of(path)}```\n"
        for command in EXAMPLES.get(verb, ()):
            yield f"```console\n$ {command}\n{answer_of(command)}```\n"


def _commands(verb: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The verb, and what it groups."""
    command = main.get_command(click.Context(main), verb)
    if command is None:
        return
    yield (verb,), command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            if inner is not None:
                yield (verb, name), inner


def help_of(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(main, [*path, "--help"], prog_name="tokenhub", terminal_width=WIDTH)
    return result.stdout


def answer_of(command: str) -> str:
    """What a shell says, with the `tokenhub` of this checkout."""
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": str(WIDTH)}
    )
    return done.stdout


WHO = {
    name: value
    for role in ("AUTHOR", "COMMITTER")
    for name, value in (
        (f"GIT_{role}_NAME", "Ada"),
        (f"GIT_{role}_EMAIL", "ada@example.com"),
        (f"GIT_{role}_DATE", "2027-03-01T12:00:00+00:00"),
    )
} | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


@contextlib.contextmanager
def scene() -> Iterator[None]:
    """A folder with the examples' files, and a little history of them."""
    here, before = Path.cwd(), dict(os.environ)
    binary = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(WHO | {"PATH": f"{binary}:{os.environ['PATH']}"})
        os.environ.pop("TOKENHUB_CONFIG", None)
        os.chdir(folder)
        try:
            _history(Path(folder))
            yield
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)


def _history(folder: Path) -> None:
    for name in ("tokenhub.yaml", "next.yaml", "requests.jsonl", "request.json", "litellm.yaml"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    steps = (
        ("begin with gpt-4o", (DATA / "tokenhub.yaml").read_text()),
        ("make sonnet smart", (DATA / "next.yaml").read_text()),
        ("explain the ladder", (DATA / "next.yaml").read_text() + "# the ladder begins with gpt-4o\n"),
    )
    run("init", "-q", "-b", "main")
    for subject, text in steps:
        (folder / "tokenhub.yaml").write_text(text)
        run("add", "tokenhub.yaml")
        run("commit", "-q", "-m", subject)
    (folder / "tokenhub.yaml").write_bytes((DATA / "tokenhub.yaml").read_bytes())


def run(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)
