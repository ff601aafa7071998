"""`tokenhub init`: a repository for a routing policy, with everything that a pull request needs."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

from gateway.cli.keys import new_key
from gateway.cli.scaffold import CONFIG, known_vendors, policy_of, scaffold
from gateway.config.load import World, load
from gateway.config.print_schema import print_schema

EXECUTABLE = frozenset({"ci.sh"})


@click.command("init", short_help="Make a repository for a routing policy: configuration, tests, CI, editor.")
@click.argument("folder", required=False, default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--with",
    "vendors",
    multiple=True,
    metavar="VENDOR[,VENDOR…]",
    help="Whose models to use, from the catalogue that ships. Left out: a provider that is built in.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
def init(folder: Path, vendors: tuple[str, ...], form: str) -> None:
    """Make a repository for a routing policy: configuration, tests, CI, editor.

    Writes into FOLDER (default: the current one) and never over anything: what is there already stays, and is named.

    \b
    configs/tokenhub.yaml            providers, models, aliases, a ladder, a key
    configs/tests.yaml               routing tests
    ci.sh                            validates, and writes plan.md: what a change would do to requests
    .github/workflows/routing.yml    runs ci.sh, and puts plan.md into the pull request
    .vscode/, .tokenhub.schema.json  completion of keys and of your own names
    .pre-commit-config.yaml, Makefile, README.md, .gitignore

    \b
    tokenhub init
    tokenhub init our-routing --with openai,anthropic

    One key is made and printed once; its digest is in the configuration.

    With --format json: {"folder", "written", "kept", "vendors", "variables", "key"}; key is null where the
    configuration was there already.

    Exit status: 0 made, 1 FOLDER cannot be written, 2 wrong usage.
    """
    wanted = [vendor.strip() for part in vendors for vendor in part.split(",") if vendor.strip()]
    for vendor in wanted:
        if vendor not in known_vendors():
            raise click.BadParameter(f"{vendor!r} is not one of {', '.join(known_vendors())}", param_hint="--with")
    policy = policy_of(wanted)
    key, digest = new_key()
    written, kept = _write(folder, scaffold(policy, digest))
    _write_schema(folder)
    made = key if CONFIG in written else None
    if form == "json":
        answer = {"folder": str(folder), "written": written, "kept": kept, "vendors": wanted}
        told = msgspec.json.encode(answer | {"variables": policy.variables, "key": made})
        click.echo(msgspec.json.format(told, indent=2).decode())
        return
    for name in written:
        click.echo(f"written  {name}", err=True)
    for name in kept:
        click.echo(f"kept     {name} (it was there already)", err=True)
    if made is not None:
        click.echo("\nThe key of web-app, shown this once:", err=True)
        click.echo(made)
    click.echo(f"\nNext: cd {folder} && git init && ./ci.sh", err=True)


def _write(folder: Path, files: dict[str, str]) -> tuple[list[str], list[str]]:
    written, kept = [], []
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(text)
            except FileExistsError:
                kept.append(name)
                continue
            written.append(name)
            if name in EXECUTABLE:
                path.chmod(0o755)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    return written, kept


def _write_schema(folder: Path) -> None:
    """For the editor; it is made anew by CI and by `make schema`, and is not committed."""
    loading = load(folder / CONFIG, World(env={}, today=_today(), secrets="skip"))
    if loading.declaration is not None:
        (folder / ".tokenhub.schema.json").write_text(print_schema(loading.declaration), encoding="utf-8")


def _today() -> date:
    return datetime.now(UTC).date()
