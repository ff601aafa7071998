"""THE LIFE OF A CONFIGURATION CHANGE: from a change of the files to another snapshot in service, or to nothing at all.

    watch -> [ settle -> load in a child -> compile in slices -> prove and guard -> swap -> adopt -> remember ]

Any problem on the way, and nothing changes: what serves goes on serving, and the problems are kept for whoever asks.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

from msgspec import Struct

from gateway.clock import Clock
from gateway.config.compile import compile_snapshot
from gateway.config.diff import changes
from gateway.config.load import Loading
from gateway.config.problem import Problem, as_json
from gateway.config.shrink import shrinkage
from gateway.domain.snapshot import Snapshot
from gateway.flow import last_good
from gateway.flow.footprint import Footprint
from gateway.flow.history import History, ReloadOutcome, Verdict
from gateway.flow.load_in_child import CHILD, Child, failed, load_in_child
from gateway.flow.on_disk import candidate_of, needs_restart, on_disk
from gateway.flow.tell_reload import tell_reload
from gateway.flow.watch import Watch
from gateway.state.live import Live

LOG = logging.getLogger("tokenhub")

Adopt = Callable[[Snapshot], None]
Prove = Callable[[Loading, Snapshot], tuple[Problem, ...]]

QUIET = frozenset({"file event", "poll"})
"""Triggers that only guess that something changed: the content decides before anything is loaded."""
RETRY_S = 30.0
"""When the loading process itself failed, nobody can tell what the files say: it is tried again."""


class Source(Struct, frozen=True):
    """Where the configuration comes from."""

    path: Path
    env: Mapping[str, str]
    child: Child = CHILD


class Reloader:
    """One at a time; a hundred wishes while one is being fulfilled are one more."""

    def __init__(self, source: Source, live: Live, clock: Clock, history: History, loading: Loading) -> None:
        self._source = source
        self._live = live
        self._clock = clock
        self._started = live.current
        self.fingerprint = loading.fingerprint if loading.digest == live.current.digest else ""
        """Of the texts that were read last."""
        self._footprint = Footprint(loading.files, loading.folders)
        self._triggers: set[str] = set()
        self._wanted = asyncio.Event()
        self._now: asyncio.Future[ReloadOutcome] | None = None
        self._next: asyncio.Future[ReloadOutcome] | None = None
        self._runner: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None
        self.candidate = candidate_of(loading)
        """What the configuration that serves wants tried beside it."""
        self.on_disk = on_disk(loading, ())
        """What the files said when they were read last, good or not."""
        self.history = history
        self.adopt: list[Adopt] = []
        """Told of every snapshot that goes into service."""
        self.prove: Prove = lambda _loading, _snapshot: ()
        """Looks at a snapshot before it may serve."""
        self.asked: list[Callable[[], None]] = []
        """Told when somebody wanted the files read again, whatever they say."""
        self.refused: list[Callable[[], None]] = []
        """Told when one was turned down."""
        self.told: list[Callable[[ReloadOutcome], None]] = []
        """Told what became of an attempt that is worth a line."""
        self.paused: Callable[[], bool] = lambda: False
        self.spare: Path | None = None
        """Where what serves is kept for workers that take the place of others."""
        self.watch = Watch(self.want)

    async def start(self, *, watch: bool) -> None:
        """The first loading happened elsewhere; if the files changed since, it is done again."""
        self._runner = asyncio.create_task(self._run())
        if watch:
            self.watch.start(lambda: self._live.current.reload.poll_s)
        await self.watch.follow(self._footprint, "")
        await self._note_start()
        if watch and self.fingerprint != await asyncio.to_thread(self._footprint.fingerprint):
            self.want("start")

    async def _note_start(self) -> None:
        await asyncio.to_thread(self.history.recall)
        problems = tuple(as_json(problem) for problem in self.on_disk.errors)
        earlier = self.history.last
        outcome = ReloadOutcome(
            unix=self._clock.unix(),
            trigger="start",
            outcome="refused" if problems else "loaded",
            digest_before=earlier.digest if earlier else "",
            digest=self._started.digest,
            problems=problems,
        )
        await asyncio.to_thread(self.history.note, outcome)

    def want(self, trigger: str) -> "asyncio.Future[ReloadOutcome]":
        """Soon, and once, however often it is said; the outcome of an attempt that began after this was said."""
        self._triggers.add(trigger)
        self._wanted.set()
        if self._next is None or self._next.done():
            self._next = asyncio.get_running_loop().create_future()
        return self._next

    async def reload(self, trigger: str) -> ReloadOutcome:
        """Now; whoever is in the middle of one is waited for."""
        return await asyncio.shield(self.want(trigger))

    async def keep(self, loading: Loading) -> None:
        """What serves, for a restart over broken files; where this process keeps its state."""
        if self._live.current.reload.keep_last_good:
            await asyncio.to_thread(last_good.keep, loading, Path(self._started.storage.data_dir))
        if self.spare is not None:
            await asyncio.to_thread(last_good.keep, loading, self.spare)

    @property
    def restart_needed(self) -> tuple[str, ...]:
        """Settings that differ from what the process was started with."""
        return needs_restart(self._started, self._live.current)

    async def aclose(self) -> None:
        await self.watch.aclose()
        if self._retry is not None:
            self._retry.cancel()
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        ignored = self._outcome("end", self._live.current, Verdict("ignored"), self._clock.monotonic())
        for waiting in (self._now, self._next):
            answer(waiting, ignored)

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            seen = await self.watch.settled()
            self._wanted.clear()
            triggers, self._triggers = self._triggers, set()
            self._now, self._next = self._next, None
            answer(self._now, await self._once(triggers, seen))

    async def _once(self, triggers: set[str], seen: str) -> ReloadOutcome:
        began, before, known = self._clock.monotonic(), self._live.current, self.on_disk.errors
        try:
            verdict = await self._attempt(before, seen, quiet=triggers <= QUIET)
        except Exception as error:
            LOG.exception("a reload failed in an unforeseen way")
            verdict = self._refuse(failed(self._source.path, f"reloading failed ({type(error).__name__})"), ())
        outcome = self._outcome(" + ".join(sorted(triggers)), before, verdict, began)
        repaired = outcome.outcome == "unchanged" and bool(known) and not self.on_disk.errors
        if repaired or outcome.outcome in ("loaded", "refused"):
            tell_reload(outcome, () if self.on_disk.errors == known else self.on_disk.errors)
            await asyncio.to_thread(self.history.note, outcome)
            for tell in self.told:
                tell(outcome)
        return outcome

    async def _attempt(self, before: Snapshot, seen: str, *, quiet: bool) -> Verdict:
        if self.paused():
            return Verdict("ignored")
        if quiet and not self.watch.is_news(seen):
            return Verdict("unchanged")
        for tell in () if quiet else self.asked:
            tell()
        loading = await load_in_child(self._source.path, self._source.env, self._source.child)
        await self._follow(loading, seen)
        if loading.declaration is None:
            return self._refuse(loading, ())
        if loading.fingerprint == self.fingerprint:
            self.on_disk = on_disk(loading, ())
            return Verdict("unchanged")
        snapshot = await gently(compile_snapshot(loading))
        objections = await asyncio.to_thread(self.objections, loading, before, snapshot)
        if objections:
            return self._refuse(loading, objections)
        if self.paused():
            return Verdict("ignored")
        self._serve(loading, snapshot)
        told = await asyncio.to_thread(changes, before, snapshot)
        await self.keep(loading)
        return Verdict("loaded", changes=told.sentences, restart_needed=self.restart_needed)

    async def _follow(self, loading: Loading, seen: str) -> None:
        """Where the loading process failed, nobody knows what belongs to the configuration now."""
        if not loading.fingerprint:
            self._retry = asyncio.get_running_loop().call_later(RETRY_S, self.want, "retry")
        elif not await self.watch.follow(Footprint(loading.files, loading.folders), seen):
            self.want("new files")

    def objections(self, loading: Loading, before: Snapshot, snapshot: Snapshot) -> tuple[Problem, ...]:
        """What speaks against putting a valid configuration in the place of another."""
        shrunk = shrinkage(before, snapshot)
        return (*self.prove(loading, snapshot), *(() if shrunk is None else (shrunk,)))

    def _serve(self, loading: Loading, snapshot: Snapshot) -> None:
        """From the swap on, the new one is the truth; whoever cannot adopt it must not keep others from doing so."""
        self.fingerprint = loading.fingerprint
        self.on_disk = on_disk(loading, ())
        self.candidate = candidate_of(loading)
        self._live.swap(snapshot)
        for adopt in self.adopt:
            try:
                adopt(snapshot)
            except Exception:
                LOG.exception("a part of the gateway could not take over the new configuration")

    def _refuse(self, loading: Loading, objections: tuple[Problem, ...]) -> Verdict:
        fresh = self.on_disk = on_disk(loading, objections)
        for tell in self.refused:
            tell()
        told = (*fresh.errors, *fresh.warnings)
        return Verdict("refused", problems=tuple(as_json(problem) for problem in told), refused=loading.digest or "")

    def _outcome(self, trigger: str, before: Snapshot, verdict: Verdict, began: float) -> ReloadOutcome:
        return ReloadOutcome(
            unix=self._clock.unix(),
            trigger=trigger,
            digest_before=before.digest,
            digest=self._live.current.digest,
            ms=(self._clock.monotonic() - began) * 1000,
            outcome=verdict.outcome,
            changes=verdict.changes,
            problems=verdict.problems,
            restart_needed=verdict.restart_needed,
            refused=verdict.refused,
        )


def answer(waiting: "asyncio.Future[ReloadOutcome] | None", outcome: ReloadOutcome) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(outcome)


async def gently(slices: Generator[None, None, Snapshot]) -> Snapshot:
    """Drive a compilation, letting requests through between its slices."""
    while True:
        try:
            next(slices)
        except StopIteration as done:
            snapshot: Snapshot = done.value
            return snapshot
        await asyncio.sleep(0)
