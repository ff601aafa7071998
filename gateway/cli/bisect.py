"""`tokenhub bisect`: the revision that changed where a request goes."""

import gc
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import click
import msgspec
from msgspec import Struct

from gateway.cli.ask_options import Supposed, ask_options
from gateway.cli.places import find_config
from gateway.cli.revisions import KINDS, commit_of, git, materialised
from gateway.config.compile import compile_snapshot, drive
from gateway.config.diff import changes
from gateway.config.load import World, load
from gateway.domain.snapshot import Snapshot
from gateway.flow.compare.side import Route, Side

SENTENCES = 20


class Seen(Struct, frozen=True):
    """One revision, and where it sends the request; no route where its files are not valid."""

    commit: str
    route: Route | None
    snapshot: Snapshot | None

    def differs(self, other: "Seen") -> bool:
        return self.route is not None and _goal(self.route) != _goal(other.route)


def _goal(route: Route | None) -> tuple[Any, ...] | None:
    return None if route is None else (route.shares, route.then, route.error)


@click.command("bisect", short_help="The revision that changed where a request goes.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@ask_options
@click.option("--from", "since", metavar="REV", help="Where it was still as before; left out: where CONFIG begins.")
@click.option("--to", "until", metavar="REV", default="HEAD", show_default=True, help="Where it is as now.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
def bisect(config: Path | None, supposed: Supposed, since: str | None, until: str, form: str) -> None:
    """The revision that changed where a request goes.

    Looks through the git history of CONFIG, halving it as git bisect does, for the first revision that sends the
    request elsewhere than --from does: to another offer, over another chain, or to a refusal. Every revision is read
    with today's loader; those that it refuses are passed over. The work tree is not touched.

    \b
    tokenhub bisect configs/ --model smart
    tokenhub bisect --mode planning --tokens 5000 --from v1.4.0
    tokenhub bisect --model gpt-4o --down openai --from main~50 --to main

    With --format json: {"found", "commit", "subject", "author", "date", "before", "after", "changes", "looked_at",
    "passed_over"}.

    Exit status: 0 found, 1 the request goes the same way at both ends, 2 wrong usage.
    """
    gc.disable()  # the process ends when the search does
    top = Path(git("rev-parse", "--show-toplevel").strip())
    path = find_config(config).resolve()
    if not path.is_relative_to(top.resolve()):
        raise click.UsageError(f"{path} is not in the git repository around the current folder")
    history = History(top, PurePosixPath(path.relative_to(top.resolve())), supposed)
    first, last = history.ends(since, until)
    found = history.search(first, last)
    answer = _answer(found, history) if found is not None else _nothing(first, history)
    click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() if form == "json" else _page(answer))
    sys.exit(0 if found is not None else 1)


class History:
    """The revisions of one configuration, looked at no more often than is needed."""

    def __init__(self, top: Path, inside: PurePosixPath, supposed: Supposed) -> None:
        self.top = top
        self.inside = inside
        self._supposed = supposed
        self._now = datetime.now(UTC)
        self.looked_at = 0
        self.passed_over: list[str] = []

    def ends(self, since: str | None, until: str) -> tuple[Seen, Seen]:
        """Both have to be valid: there is nothing to compare with otherwise."""
        last = self.look(commit_of(until, self.top))
        first = self.look(self._beginning(last.commit) if since is None else commit_of(since, self.top))
        for seen, said in ((first, since or "the first revision"), (last, until)):
            if seen.route is None:
                raise click.UsageError(f"the configuration at {said} is not valid: begin at another revision")
        return first, last

    def _beginning(self, until: str) -> str:
        added = git("log", "--format=%H", "--diff-filter=A", until, "--", str(self.inside), cwd=self.top).split()
        if not added:
            raise click.UsageError(f"{self.inside} is not in the history of {until}")
        return added[-1]

    def search(self, first: Seen, last: Seen) -> tuple[Seen, Seen] | None:
        """The last revision that was as at first, and the one after it; None where both ends are alike."""
        if not last.differs(first):
            return None
        between = self._between(first.commit, last.commit)
        low, high, before, after = -1, len(between), first, last
        while high - low > 1:
            seen, place = self._nearest_valid(between, low, high)
            if seen is None:
                break
            if seen.differs(first):
                high, after = place, seen
            else:
                low, before = place, seen
        return before, after

    def _between(self, first: str, last: str) -> list[str]:
        kinds = [f"*{kind}" for kind in KINDS]
        listed = git("rev-list", "--reverse", "--topo-order", f"{first}..{last}", "--", *kinds, cwd=self.top).split()
        return [commit for commit in listed if commit != last]

    def _nearest_valid(self, between: Sequence[str], low: int, high: int) -> tuple[Seen | None, int]:
        """The middle one or, where that cannot be read, the one nearest to it."""
        middle = (low + high) // 2
        for place in sorted(range(low + 1, high), key=lambda place: abs(place - middle)):
            if between[place] in self.passed_over:
                continue
            seen = self.look(between[place])
            if seen.route is not None:
                return seen, place
            self.passed_over.append(between[place])
        return None, middle

    def look(self, commit: str) -> Seen:
        self.looked_at += 1
        try:
            with materialised(commit, self.inside, self.top) as file:
                loading = load(file, World(env=os.environ, today=self._now.date(), secrets="skip"))
        except click.UsageError:
            return Seen(commit, None, None)
        if loading.declaration is None:
            return Seen(commit, None, None)
        side = Side(loading.declaration, drive(compile_snapshot(loading)), self._now.timestamp())
        route = side.route(self._supposed.ask, side.moment_of(self._supposed.moment))
        return Seen(commit, route, side.snapshot)


def _answer(found: tuple[Seen, Seen], history: History) -> dict[str, Any]:
    before, after = found
    shown = git("show", "-s", "--format=%s%x00%an%x00%aI", after.commit, cwd=history.top).strip().split("\0")
    sentences = changes(before.snapshot, after.snapshot).sentences if before.snapshot and after.snapshot else ()
    return {
        "found": True,
        "commit": after.commit,
        "subject": shown[0],
        "author": shown[1],
        "date": shown[2],
        "before": _told(before),
        "after": _told(after),
        "changes": sentences[:SENTENCES],
        "looked_at": history.looked_at,
        "passed_over": history.passed_over,
    }


def _nothing(seen: Seen, history: History) -> dict[str, Any]:
    told = _told(seen)
    return {"found": False, "before": told, "after": told, "looked_at": history.looked_at, "passed_over": []}


def _told(seen: Seen) -> str:
    return "" if seen.route is None else ", then ".join((seen.route.told(), *seen.route.then))


def _page(answer: dict[str, Any]) -> str:
    if not answer["found"]:
        return f"the request goes the same way at both ends: {answer['before']}"
    lines = [
        f"{click.style(answer['commit'][:12], fg='yellow')} {answer['subject']}",
        f"  {answer['author']}, {answer['date']}",
        f"  before: {answer['before']}",
        f"  after:  {answer['after']}",
        *(f"  {sentence}" for sentence in answer["changes"]),
        f"{answer['looked_at']} revisions looked at"
        + (f", {len(answer['passed_over'])} passed over as not valid" if answer["passed_over"] else ""),
    ]
    return "\n".join(lines)
