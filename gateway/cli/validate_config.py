"""`tokenhub validate-config`: everything a start would refuse, found before it."""

import gc
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from gateway.cli.places import find_config
from gateway.cli.reports import FORMATS, Told
from gateway.config.load import World
from gateway.config.price_lock import lock_path, locked_prices
from gateway.flow.validate import Report, validate
from gateway.flow.what_if import Landing, UnclearError, supposed, what_if


@click.command("validate-config", short_help="Prove a configuration: everything a start would refuse, and warnings.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="How to answer."
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option(
    "--secrets",
    type=click.Choice(["check", "skip"]),
    default="skip",
    show_default=True,
    help="Whether `${env:…}` and `${file:…}` must have a value here. No value is ever shown.",
)
@click.option(
    "--locked", is_flag=True, help="Refuse prices that are not those of prices.lock (`tokenhub catalog lock`)."
)
@click.option("--coverage", is_flag=True, help="Name the offers, aliases, rungs and fallbacks that no test reaches.")
@click.option(
    "--simulate",
    metavar="WORLD",
    help="Where each name would land in such a world: `openai down, anthropic 429, azure 2s, mistral 20%`.",
)
def validate_config(
    config: Path | None,
    form: str,
    strict: bool,
    secrets: Literal["check", "skip"],
    locked: bool,
    coverage: bool,
    simulate: str | None,
) -> None:
    """Prove a configuration: everything a start would refuse, and warnings.

    Reads CONFIG and all it includes with the loader that `serve` uses, and runs its `tests:`. Needs no network, no
    provider and no secret, so it belongs into CI. All problems are shown at once (the first fifty), sorted by place,
    each with a stable code (docs/problems.md), file:line:column, what was expected, and what to do.

    \b
    tokenhub validate-config
    tokenhub validate-config configs/ --strict
    tokenhub validate-config prod.yaml --secrets check      # on the machine that will serve
    tokenhub validate-config --locked                       # prices as locked, or not at all
    tokenhub validate-config --simulate 'openai down, anthropic 429'
    tokenhub validate-config --format json | jq '.problems[].code'
    tokenhub validate-config --format sarif > tokenhub.sarif

    Formats: text for people; json; sarif (2.1.0) for code scanning; github for annotations in a pull request; junit for
    CI servers.

    With --format json: {"ok", "digest", "problems": [{"code", "severity", "file", "line", "column", "path", "message",
    "hint"}], "tests": {"passed", "failed", "cases": [{"name", "case", "ok", "failures", "got"}]}, "coverage":
    {"offers", "aliases", "rungs", "fallbacks": {"reached", "of", "missed"}}, "simulated": [{"name", "before", "after",
    "error", "reason", "cost_before_usd", "cost_after_usd", "capacity_before", "capacity_after"}]}; tests and coverage
    only where the files have no error, simulated only with --simulate.

    Exit status: 0 valid, 1 not valid (with --strict: or not without warnings), 2 wrong usage.
    """
    gc.disable()  # the process ends when the tree does
    path = find_config(config)
    now = datetime.now(UTC)
    checks = [locked_prices(lock_path(path))] if locked else []
    report = validate(path, World(env=os.environ, today=now.date(), secrets=secrets), now.timestamp(), checks)
    good = not report.failed and not (strict and report.problems)
    landings = None if simulate is None else _simulated(report, simulate, now.timestamp())
    click.echo(FORMATS[form](Told(path=path, report=report, ok=good, coverage=coverage, simulated=landings)))
    sys.exit(0 if good else 1)


def _simulated(report: Report, text: str, unix: float) -> tuple[Landing, ...] | None:
    """None where the files have errors: nothing lands anywhere."""
    if report.snapshot is None:
        return None
    try:
        return what_if(report.snapshot, supposed(text, report.snapshot.table), unix)
    except UnclearError as unclear:
        raise click.BadParameter(str(unclear), param_hint="--simulate") from None
