"""THE LIFE OF A CANDIDATE: a configuration that is tried on a share of the requests before it replaces what serves.

    named by `canary:` -> [ load in a child -> compile -> prove ] -> tried -> judged every second -> promoted
                                                                                                  -> rolled back

Its file is watched like any other. A change of it, or of the configuration that names it, begins anew. What was
promoted serves until the files change: it is drift, and shown as such, until the main file says the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from gateway.clock import Clock
from gateway.config.compile import compile_snapshot
from gateway.config.load import Loading
from gateway.config.problem import Problem, as_text
from gateway.domain.settings import Canary as Rules
from gateway.domain.snapshot import Snapshot
from gateway.flow.footprint import Footprint
from gateway.flow.history import ReloadOutcome, Result
from gateway.flow.load_in_child import CHILD, Child, load_in_child
from gateway.flow.on_disk import Candidate
from gateway.flow.reload import Reloader, gently
from gateway.flow.trial import Scores, Trial
from gateway.flow.watch import Watch
from gateway.state.live import Live

LOG = logging.getLogger("tokenhub")

State = Literal["off", "loading", "refused", "same", "trying", "promoted", "rolled-back"]


class Decision(Struct, frozen=True):
    """What becomes of a candidate, for those who have not decided it."""

    move: Literal["promote", "roll back"]
    digest: str
    why: str


class Seen(Struct, frozen=True):
    """What another worker says of the candidate that this one asks about."""

    scores: Scores | None
    """None if it tries none, or another one."""
    decided: Decision | None
    """What it has carried out."""


class Around(Struct, frozen=True, kw_only=True):
    """What the rest of the gateway does for a trial."""

    begin: Callable[[Snapshot, Rules], Trial]
    adopt: Callable[[Snapshot], None]
    """After a swap."""
    let_go: Callable[[], None]
    """After a candidate was dropped."""
    told: Callable[[str], None]
    """For the metrics: `promoted`, `rolled-back`, `refused`."""
    judges: bool
    """One of several workers judges for all."""
    others: Callable[[str], Awaitable[Iterable[Seen]]]
    """What the workers beside this one have seen, where their files say the same (`Canary.versions`)."""
    pass_on: Callable[[Decision], Awaitable[None]]
    """To the workers beside this one."""


class Canary:
    """At most one candidate at a time."""

    def __init__(self, reloader: Reloader, live: Live, clock: Clock, env: Mapping[str, str]) -> None:
        self._reloader = reloader
        self._live = live
        self._clock = clock
        self._env = env
        self._around: Around | None = None
        self._wanted = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._named: Candidate | None = None
        self._rules: Rules | None = None
        self._fingerprint = ""
        self._before: Snapshot | None = None
        self.trial: Trial | None = None
        """The one that is under way; read by every request."""
        self.last: Trial | None = None
        """The one that ended, for those who ask how it was."""
        self.decided: Decision | None = None
        """What was carried out last; for workers that were not told, or came later."""
        self.state: State = "off"
        self.why = ""
        self.since = 0.0
        """Unix seconds."""
        self.problems: tuple[Problem, ...] = ()
        self.digest: str | None = None
        self.watch = Watch(lambda _: self._wanted.set())

    @property
    def path(self) -> Path | None:
        return None if self._named is None else self._named.path

    @property
    def promoted(self) -> bool:
        """What serves is not what the main file says."""
        return self._before is not None

    async def start(self, around: Around, *, watch: bool, child: Child = CHILD) -> None:
        self._around = around
        self._runner = asyncio.create_task(self._run(child))
        if watch:
            self.watch.start(lambda: self._live.current.reload.poll_s)
        self.restart(self._live.current)

    def restart(self, snapshot: Snapshot) -> None:
        """Another configuration serves: whatever was being tried against the old one is over."""
        self._end_trial()
        self._before, self.last, self.decided = None, None, None
        self._named = self._reloader.candidate
        self._rules = None if self._named is None else snapshot.canary
        self._fingerprint, self.digest, self.problems = "", None, ()
        self._turn("off" if self._rules is None else "loading", "")
        self._wanted.set()

    def look(self) -> None:
        """Somebody asked for a reload: the candidate's file may have changed, too."""
        self._wanted.set()

    async def tick(self) -> None:
        """Once a second: what others have decided is made good, and one of the workers judges for all."""
        trial, around, versions = self.trial, self._around, self.versions
        if self.in_question is None or around is None or self._reloader.paused():
            return
        said = await around.others(versions)
        if self.trial is not trial or self.versions != versions:
            return
        for one in said:
            if one.decided is not None and await self.carry_out(one.decided):
                return
        if trial is None or not around.judges:
            return
        judgement = trial.judge(self._clock.monotonic(), [one.scores for one in said if one.scores is not None])
        if judgement.move != "wait":
            await self.decide(Decision(judgement.move, trial.snapshot.digest, judgement.why))

    async def decide(self, decision: Decision) -> bool:
        """Here and in the workers beside this one. False if there is nothing to decide about."""
        decided = await self.carry_out(decision)
        if decided and self._around is not None:
            await self._around.pass_on(decision)
        return decided

    async def carry_out(self, decision: Decision) -> bool:
        """Nothing happens if what it is about is not the candidate (any more)."""
        tried, promoted = self._live.candidate, self._live.current if self.promoted else None
        if decision.move == "promote":
            return tried is not None and tried.digest == decision.digest and await self._promote(decision)
        either = tried or promoted
        return either is not None and either.digest == decision.digest and await self._roll_back(decision)

    @property
    def in_question(self) -> str | None:
        """The digest of the candidate that is tried, or that was promoted and may be taken back."""
        if self._live.candidate is not None:
            return self._live.candidate.digest
        return self._live.current.digest if self.promoted else None

    @property
    def versions(self) -> str:
        """Of both files, down to the comments: a candidate is tried again when one of them changes."""
        return f"{self._reloader.fingerprint}:{self._fingerprint}"

    async def _promote(self, decision: Decision) -> bool:
        trial, around = self.trial, self._around
        if trial is None or around is None:
            return False
        self._before = self._live.current
        self.trial, self.last, self.decided = None, trial, decision
        self._live.promote()
        around.adopt(trial.snapshot)
        await self._note("promoted", decision.why, before=self._before.digest)
        return True

    async def _roll_back(self, decision: Decision) -> bool:
        """Everybody is served as before, also after a promotion."""
        around, tried = self._around, self._live.candidate
        if around is None or (tried is None and self._before is None):
            return False
        if tried is None and self._before is not None:
            tried, back, self._before = self._live.current, self._before, None
            self._live.swap(back)
            around.adopt(back)
        self.decided = decision
        self._end_trial()
        await self._note("rolled-back", decision.why, before=tried.digest if tried else "")
        return True

    async def aclose(self) -> None:
        await self.watch.aclose()
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)

    async def _run(self, child: Child) -> None:
        while True:
            await self._wanted.wait()
            seen = await self.watch.settled()
            self._wanted.clear()
            named, rules = self._named, self._rules
            if named is None or rules is None:
                await self.watch.follow(Footprint(), seen)
                continue
            loading = await load_in_child(named.path, self._env, child)
            if not await self.watch.follow(Footprint(loading.files, loading.folders), seen):
                self._wanted.set()
            if named is self._named and (not loading.fingerprint or loading.fingerprint != self._fingerprint):
                await self._consider(loading, named, rules)

    async def _consider(self, loading: Loading, named: Candidate, rules: Rules) -> None:
        """A candidate has to pass everything that a reload has to pass."""
        objections: tuple[Problem, ...] = tuple(one for one in loading.problems if one.severity == "error")
        snapshot = None
        if loading.declaration is not None:
            snapshot = await gently(compile_snapshot(loading))
            current = self._live.current
            objections = await asyncio.to_thread(self._reloader.objections, loading, current, snapshot)
        if named is not self._named or self._around is None or self._reloader.paused():
            return
        self._end_trial()
        self._fingerprint, self.digest, self.problems = loading.fingerprint, loading.digest, objections
        if not self.promoted or snapshot is None or snapshot.digest != self._live.current.digest:
            self.decided = None
        if snapshot is None or objections:
            for problem in objections:
                LOG.error("candidate: %s", as_text(problem).partition("\n")[0])
            await self._note("not-tried", f"{len(objections)} problems in {named.path}")
        elif snapshot.digest == self._live.current.digest or loading.bare_digest == named.bare_digest:
            self._turn("same", "the candidate says what already serves")
        else:
            self._begin(snapshot, rules, self._around)
            await self._note("trying", f"{rules.share:.4g} of the requests, by {rules.sticky_by}")

    def _begin(self, snapshot: Snapshot, rules: Rules, around: Around) -> None:
        self.trial, self.last = around.begin(snapshot, rules), None
        self._live.try_out(snapshot)

    def _end_trial(self) -> None:
        if self.trial is None:
            return
        self.trial, self.last = None, self.trial
        self._live.drop()
        if self._around is not None:
            self._around.let_go()

    def _turn(self, state: State, why: str) -> None:
        self.state, self.why, self.since = state, why, self._clock.unix()

    async def _note(self, outcome: Result, why: str, *, before: str | None = None) -> None:
        self._turn(STATES[outcome], why)
        LOG.info("candidate %s %s: %s", (self.digest or "")[:12], outcome, why)
        if self._around is not None:
            self._around.told(outcome)
        current = self._live.current.digest
        entry = ReloadOutcome(
            unix=self.since,
            trigger="canary",
            outcome=outcome,
            digest_before=current if before is None else before,
            digest=current,
            why=why,
            candidate=self.digest or "",
        )
        await asyncio.to_thread(self._reloader.history.note, entry)


STATES: Mapping[Result, State] = {
    "not-tried": "refused",
    "trying": "trying",
    "promoted": "promoted",
    "rolled-back": "rolled-back",
}
