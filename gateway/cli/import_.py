"""`tokenhub import`: configurations of other gateways, translated, with a report of what does not come along."""

import os
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from gateway.cli.show_problems import show
from gateway.config.litellm import Loss, Translation, translate
from gateway.config.load import World, load
from gateway.config.problem import Problem, as_json

MOST_BYTES = 8 * 1024 * 1024
COLOURS = {"lost": "red", "approximated": "yellow", "assumed": "cyan", "secret": "magenta"}


@click.group("import", short_help="Translate the configuration of another gateway.")
def import_() -> None:
    """Translate the configuration of another gateway.

    What cannot be carried over is reported, line by line.
    """


@import_.command("litellm", short_help="Translate the config.yaml of LiteLLM's proxy.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here, but never over anything.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
@click.option("--strict", is_flag=True, help="End with 1 if anything is lost.")
def litellm(file: Path, output: Path | None, form: str, strict: bool) -> None:
    """Translate the config.yaml of LiteLLM's proxy.

    Prints a configuration that is valid, and on standard error everything that is not in it as it was there: what is
    lost and why, what is approximated, what was assumed because neither the file nor the catalogue of models says it,
    and which secrets were written out (they are references here, and are never repeated).

    \b
    tokenhub import litellm config.yaml -o configs/tokenhub.yaml
    tokenhub import litellm config.yaml --strict > /dev/null
    tokenhub import litellm config.yaml --format json | jq '.losses[] | select(.kind == "lost")'

    Understood: model_list (litellm_params, model_info), router_settings, litellm_settings, general_settings,
    credential_list, and `os.environ/NAME`. Prices, windows and capabilities that the file does not say are taken from
    the catalogue that ships.

    With --format json: {"config", "losses": [{"kind", "path", "line", "column", "why"}], "problems"}; a kind is lost,
    approximated, assumed or secret.

    Exit status: 0 translated, 1 FILE is not such a file (or, with --strict: something is lost), 2 wrong usage.
    """
    translation = translate(str(file), read(file))
    problems = translation.problems or check(translation.text)
    if form == "json":
        click.echo(as_document(translation, problems))
    elif not problems:
        tell(file, translation)
        deliver(translation.text, output)
    if problems and form != "json":
        show(problems, err=True)
    lost = strict and any(loss.kind == "lost" for loss in translation.losses)
    sys.exit(1 if problems or lost else 0)


def read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise click.ClickException(f"{file} is larger than 8 MiB")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is not UTF-8") from None


def check(text: str) -> tuple[Problem, ...]:
    """What our own loader says to the result; an error here is a mistake of the translation."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenhub.yaml"
        path.write_text(text, encoding="utf-8")
        problems = load(path, World(env=os.environ, today=datetime.now(UTC).date(), secrets="skip")).problems
    return tuple(problem for problem in problems if problem.severity == "error")


def as_document(translation: Translation, problems: tuple[Problem, ...]) -> str:
    told = {
        "config": translation.text or None,
        "losses": msgspec.to_builtins(translation.losses),
        "problems": [as_json(problem) for problem in problems],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode()


def tell(file: Path, translation: Translation) -> None:
    for loss in translation.losses:
        click.echo(line_of(file, loss), err=True)
    counts = Counter(str(loss.kind) for loss in translation.losses)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in COLOURS if counts[kind])
    click.echo(f"{file}: translated; {told or 'nothing is lost'}", err=True)


def line_of(file: Path, loss: Loss) -> str:
    kind = click.style(loss.kind, fg=COLOURS[loss.kind], bold=True)
    return f"{file}:{loss.line}:{loss.column}: {kind} {loss.path}: {loss.why}"


def deliver(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.ClickException(f"{output} exists already") from None
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from None
