"""THE LIFE OF A CONFIGURATION CHANGE: from a change of the files to another snapshot in service, or to nothing at all.

    watch -> [ settle -> load in a child -> compile in slices -> guard -> swap -> adopt -> remember ]

Any problem on the way, and nothing changes: what serves goes on serving, and the problems are kept for whoever asks.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from gateway.clock import Clock
from gateway.config.compile import compile_snapshot
from gateway.config.diff import changes
from gateway.config.load import Loading
from gateway.config.problem import Problem, as_json, as_text
from gateway.config.shrink import shrinkage
from gateway.domain.snapshot import Snapshot
from gateway.flow import last_good
from gateway.flow.history import History, ReloadOutcome
from gateway.flow.load_in_child import load_in_child
from gateway.flow.watch import Watch
from gateway.state.live import Live

LOG = logging.getLogger("tokenhub")

Adopt = Callable[[Snapshot], None]
Prove = Callable[[Loading, Snapshot], tuple[Problem, ...]]


class Source(Struct, frozen=True):
    """Where the configuration comes from."""

    path: Path
    env: Mapping[str, str]


class Reloader:
    """One at a time; a hundred wishes while one is being fulfilled are one more."""

    def __init__(self, source: Source, live: Live, clock: Clock, history: History, loading: Loading) -> None:
        self._source = source
        self._live = live
        self._clock = clock
        self._wanted = asyncio.Event()
        self._trigger = ""
        self._turn = asyncio.Lock()
        self._fingerprint = loading.fingerprint
        self._runner: asyncio.Task[None] | None = None
        self.history = history
        self.adopt: list[Adopt] = []
        """Told of every snapshot that goes into service."""
        self.prove: Prove = lambda _loading, _snapshot: ()
        """Looks at a snapshot before it may serve."""
        self.refused: list[Callable[[], None]] = []
        """Told when one was turned down."""
        self.loading = loading
        """What was read last, good or not."""
        self.paused: Callable[[], bool] = lambda: False
        self.watch = Watch(self.want)

    def start(self, *, watch: bool) -> None:
        self._runner = asyncio.create_task(self._run())
        self.watch.follow(self.loading.files, self.loading.folders)
        if watch:
            self.watch.start(lambda: self._live.current.reload.poll_s)

    def want(self, trigger: str) -> None:
        """Soon, and once, however often it is said."""
        self._trigger = trigger
        self._wanted.set()

    async def reload(self, trigger: str) -> ReloadOutcome:
        """Now; whoever is in the middle of one is waited for."""
        async with self._turn:
            began = self._clock.monotonic()
            before = self._live.current
            outcome = await self._attempt(before)
            entry = ReloadOutcome(
                unix=self._clock.unix(),
                trigger=trigger,
                digest_before=before.digest,
                digest=self._live.current.digest,
                ms=(self._clock.monotonic() - began) * 1000,
                **outcome,
            )
            if entry.outcome != "unchanged":
                self.history.note(entry)
                LOG.info("configuration %s by %s: %s", entry.outcome, trigger, entry.digest[:12])
            return entry

    async def aclose(self) -> None:
        await self.watch.aclose()
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                await self.watch.settled()
                self._wanted.clear()
                await self.reload(self._trigger)
            except Exception:
                LOG.exception("a reload failed in an unforeseen way; the configuration that serves is unchanged")
                self._wanted.clear()

    async def _attempt(self, before: Snapshot) -> dict[str, Any]:
        if self.paused():
            return {"outcome": "ignored"}
        loading = await load_in_child(self._source.path, self._source.env)
        self.watch.follow(loading.files, loading.folders)
        if loading.fingerprint == self._fingerprint and loading.declaration is not None:
            self.loading = loading
            return {"outcome": "unchanged"}
        self.loading = loading
        if loading.declaration is None:
            return self._refuse(loading.problems)
        snapshot = await gently(compile_snapshot(loading))
        problems = self.prove(loading, snapshot)
        shrunk = shrinkage(before, snapshot)
        if problems or shrunk is not None:
            return self._refuse((*problems, *(() if shrunk is None else (shrunk,))))
        self._fingerprint = loading.fingerprint
        self._live.swap(snapshot)
        for adopt in self.adopt:
            adopt(snapshot)
        told = changes(before, snapshot)
        if snapshot.reload.keep_last_good:
            await asyncio.to_thread(last_good.keep, loading, Path(snapshot.storage.data_dir))
        return {"outcome": "loaded", "changes": told.sentences, "restart_needed": needs_restart(before, snapshot)}

    def _refuse(self, problems: tuple[Problem, ...]) -> dict[str, Any]:
        for problem in problems:
            LOG.error("%s", as_text(problem).partition("\n")[0])
        for tell in self.refused:
            tell()
        return {"outcome": "refused", "problems": tuple(as_json(problem) for problem in problems)}


async def gently(slices: Generator[None, None, Snapshot]) -> Snapshot:
    """Drive a compilation, letting requests through between its slices."""
    while True:
        try:
            next(slices)
        except StopIteration as done:
            snapshot: Snapshot = done.value
            return snapshot
        await asyncio.sleep(0)


def needs_restart(old: Snapshot, new: Snapshot) -> tuple[str, ...]:
    """Names of process settings that differ from what the process was started with."""
    told = [
        f"{section}.{name}"
        for section in ("server", "storage")
        for name in getattr(old, section).__struct_fields__
        if getattr(getattr(old, section), name) != getattr(getattr(new, section), name)
        and name not in ("max_body", "body_timeout_s", "max_in_flight", "drain_delay_s", "shutdown_grace_s")
    ]
    return tuple(told)
