"""`tokenhub plan`: what another configuration would change about requests."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from msgspec.structs import asdict

from gateway.cli.plan_page import as_markdown, as_text
from gateway.cli.revisions import opened
from gateway.cli.show_problems import show
from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import World, load
from gateway.flow.compare.compare import Comparison, compare
from gateway.flow.compare.side import Side
from gateway.flow.compare.traffic import Replay, Traffic

PIECE = 1024 * 1024
SHOW_EVERY = 500


@click.command("plan", short_help="What another configuration would change about requests.")
@click.argument("old")
@click.argument("new")
@click.option(
    "--replay", type=click.Path(exists=True, path_type=Path), help="Records of requests, a JSON object a line."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to answer; markdown is made for a comment on a pull request.",
)
@click.option("--exit-code", is_flag=True, help="End with 1 if any request goes elsewhere.")
@click.option("--max-cost-increase", metavar="5%", help="With --replay: end with 1 if it gets dearer than that.")
def plan(old: str, new: str, replay: Path | None, form: str, exit_code: bool, max_cost_increase: str | None) -> None:
    """What another configuration would change about requests.

    OLD and NEW are files, folders that hold tokenhub.yaml, or REV:path in the git repository around the current folder.
    Both sides are asked the same: every name with every strategy and size, `/v1/chat` in every mode, what the tests of
    either ask, all of it with everything well and again with each provider of the route down. What is answered
    differently is told: who re-routes, from where to where, in which ways. Nothing is sent to a provider.

    \b
    tokenhub plan configs/ configs-new/
    tokenhub plan main:configs/ configs/
    tokenhub plan main:configs/ HEAD:configs/ --format markdown > comment.md
    tokenhub plan main:configs/ configs/ --replay requests.jsonl --max-cost-increase 5%

    With --replay, real requests go through both sides on paper: who moves, and what a month would cost. A line is what
    `GET /admin/v1/requests` and the ledger's export write; `strategy`, `mode`, `features` and `max_tokens` are heeded
    where they are there. Prompts are not needed. Prompt sizes count to two digits.

    With --format json: {"old", "new", "probes", "changes": [{"asks", "kind", "before", "after", "when", "probes",
    "cost_before_usd", "cost_after_usd"}], "new_names", "gone_names", "prices", "keys", "settings", "traffic":
    {"requests", "unreadable", "moved", "refused", "span_s", "cost_before_usd", "cost_after_usd", "increase",
    "per_month", "moves": […]}}. A kind is `re-routes`, `is refused`, `is served` or `falls back differently`.

    Exit status: 0 compared, 1 one of them is not valid, or the answer to --exit-code or --max-cost-increase is no, 2
    wrong usage.
    """
    gc.disable()  # the process ends when the comparison does
    most = None if max_cost_increase is None else _share(max_cost_increase)
    if most is not None and replay is None:
        raise click.UsageError("--max-cost-increase needs --replay: without traffic there is no cost")
    with opened(old) as old_file, opened(new) as new_file:
        sides = _side(old_file, old), _side(new_file, new)
    comparison = _compared(*sides)
    traffic = _replayed(replay, *sides) if replay is not None else None
    click.echo(_told(form, comparison, traffic))
    dearer = traffic is not None and most is not None and traffic.increase > most
    if dearer:
        click.echo(f"the replayed requests get dearer by more than {max_cost_increase}", err=True)
    sys.exit(1 if dearer or (exit_code and _moves(comparison, traffic)) else 0)


def _share(text: str) -> float:
    try:
        return float(text.removesuffix("%")) / 100
    except ValueError:
        raise click.BadParameter(f"`{text}` is not a share such as 5%", param_hint="--max-cost-increase") from None


def _moves(comparison: Comparison, traffic: Traffic | None) -> bool:
    return bool(comparison.changes) or (traffic is not None and traffic.moved > 0)


def _side(file: Path, spec: str) -> Side:
    now = datetime.now(UTC)
    loading = load(file, World(env=os.environ, today=now.date(), secrets="skip"))
    if loading.declaration is None:
        show(loading.problems, omitted=loading.omitted, err=True)
        click.echo(f"{spec} is not valid: there is nothing to compare", err=True)
        sys.exit(1)
    return Side(loading.declaration, drive(compile_snapshot(loading)), now.timestamp())


def _compared(old: Side, new: Side) -> Comparison:
    steps = compare(old, new)
    with _spinning() as show_count:
        while True:
            try:
                count = next(steps)
            except StopIteration as done:
                result: Comparison = done.value
                return result
            show_count(count)


class _Counter:
    """Tells on a terminal how far it is, on one line that goes away."""

    def __init__(self) -> None:
        self._shown = 0
        self.on = sys.stderr.isatty()

    def __call__(self, count: int) -> None:
        if self.on and count - self._shown >= SHOW_EVERY:
            self._shown = count
            click.echo(f"\r{count:,} questions asked", err=True, nl=False)


@contextlib.contextmanager
def _spinning() -> Iterator[_Counter]:
    counter = _Counter()
    yield counter
    if counter.on:
        click.echo("\r\x1b[K", err=True, nl=False)


def _replayed(file: Path, old: Side, new: Side) -> Traffic:
    replay = Replay(old, new)
    with (
        file.open("rb", buffering=PIECE) as lines,
        click.progressbar(length=file.stat().st_size, label="replaying", file=sys.stderr) as bar,
    ):
        done = 0
        for number, line in enumerate(lines, 1):
            replay.note(line)
            done += len(line)
            if number % SHOW_EVERY == 0:
                bar.update(done)
                done = 0
        bar.update(done)
    return replay.told()


def _told(form: str, comparison: Comparison, traffic: Traffic | None) -> str:
    if form == "text":
        return as_text(comparison, traffic)
    if form == "markdown":
        return as_markdown(comparison, traffic)
    answer = asdict(comparison) | {"traffic": None}
    if traffic is not None:
        increase = traffic.increase if traffic.increase != float("inf") else None
        answer["traffic"] = asdict(traffic) | {"increase": increase, "per_month": traffic.per_month}
    return msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()
