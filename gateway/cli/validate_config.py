"""`tokenhub validate-config`: everything a start would refuse, found before it."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click
import msgspec

from gateway.cli.places import find_config
from gateway.cli.show_problems import counted, show
from gateway.config.load import Loading, World, load
from gateway.config.pause import collector_paused
from gateway.config.problem import as_json
from gateway.config.shape import Declaration


@click.command("validate-config", short_help="Prove a configuration: everything a start would refuse, and warnings.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option(
    "--secrets",
    type=click.Choice(["check", "skip"]),
    default="skip",
    show_default=True,
    help="Whether `${env:…}` and `${file:…}` must have a value here. No value is ever shown.",
)
def validate_config(config: Path | None, form: str, strict: bool, secrets: Literal["check", "skip"]) -> None:
    """Prove a configuration: everything a start would refuse, and warnings.

    Reads CONFIG and all it includes with the loader that `serve` uses. Needs no network, no provider and no secret, so
    it belongs into CI. All problems are shown at once (the first fifty), sorted by place, each with a stable code
    (docs/problems.md), file:line:column, what was expected, and what to do.

    \b
    tokenhub validate-config
    tokenhub validate-config configs/ --strict
    tokenhub validate-config prod.yaml --secrets check      # on the machine that will serve
    tokenhub validate-config --format json | jq '.problems[].code'

    With --format json: {"ok", "digest", "problems": [{"code", "severity", "file", "line", "column", "path", "message",
    "hint"}]}.

    Exit status: 0 valid, 1 not valid (with --strict: or not without warnings), 2 wrong usage.
    """
    path = find_config(config)
    world = World(env=os.environ, today=datetime.now(UTC).date(), secrets=secrets)
    with collector_paused():
        loading = load(path, world)
    good = loading.declaration is not None and not (strict and loading.problems)
    answer = _as_json(loading, ok=good) if form == "json" else None
    if answer is not None:
        click.echo(answer)
    else:
        _say(path, loading, ok=good)
    sys.exit(0 if good else 1)


def _as_json(loading: Loading, *, ok: bool) -> str:
    answer = {"ok": ok, "digest": loading.digest, "problems": [as_json(problem) for problem in loading.problems]}
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()


def _say(path: Path, loading: Loading, *, ok: bool) -> None:
    show(loading.problems, omitted=loading.omitted)
    verdict = click.style("valid", fg="green", bold=True) if ok else click.style("not valid", fg="red", bold=True)
    troubles = counted(loading)
    click.echo(f"{path}: {verdict}" + (f" ({troubles})" if troubles else ""))
    if loading.declaration is not None:
        click.echo(f"{_inventory(loading.declaration)}; digest {(loading.digest or '')[:12]}")


def _inventory(said: Declaration) -> str:
    offers = sum(len(model.offers) for model in said.models.values())
    counts = (
        (len(said.providers), "provider", "providers"),
        (len(said.models), "model", "models"),
        (offers, "offer", "offers"),
        (len(said.aliases), "alias", "aliases"),
        (len(said.keys), "key", "keys"),
    )
    return ", ".join(f"{number} {one if number == 1 else many}" for number, one, many in counts)
