"""A candidate under trial: who gets it, what it has learnt by itself, and how both sides did so far."""

import hashlib
from typing import Literal, Protocol

from msgspec import Struct, field

from gateway.domain.settings import Canary
from gateway.domain.snapshot import Snapshot
from gateway.flow.attempt import World
from gateway.flow.verdict import Judgement, Score, verdict
from gateway.state.arms import Arms
from gateway.state.health import Health
from gateway.state.retry_budget import RetryBudget

Side = Literal["current", "candidate"]

NO_VERDICT = Judgement("wait", "it has just begun")
TWO_TO_THE_64 = 2.0**64


class Experience(Protocol):
    """What the requests of one configuration have learnt: a broken candidate must not give others a bad name."""

    health: Health
    arms: Arms
    retry_budget: RetryBudget
    world: World


class Trial(Struct, kw_only=True, eq=False):
    """One candidate, from its first request to the verdict."""

    snapshot: Snapshot
    rules: Canary
    began: float
    """Monotonic seconds."""
    began_unix: float
    health: Health
    arms: Arms
    retry_budget: RetryBudget
    world: World
    scores: dict[Side, Score] = field(default_factory=lambda: {"current": Score(), "candidate": Score()})
    judgement: Judgement = NO_VERDICT
    chosen: dict[str, bool] = field(default_factory=dict)
    """By key name, as far as anybody asked."""

    def takes(self, key: str, ulid: str) -> bool:
        """Whether this request tries the candidate: the same for the same key, or by lot."""
        if self.rules.sticky_by == "request":
            return lot(ulid) < self.rules.share
        known = self.chosen.get(key)
        if known is None:
            known = self.chosen[key] = lot(f"{self.snapshot.digest}:{key}") < self.rules.share
        return known

    def side_of(self, snapshot: Snapshot, current: Snapshot) -> Side | None:
        """None for those who came before either."""
        if snapshot is self.snapshot:
            return "candidate"
        return "current" if snapshot is current else None

    def judge(self, now: float) -> Judgement:
        scores = self.scores
        self.judgement = verdict(scores["current"], scores["candidate"], self.rules, now - self.began)
        return self.judgement


def lot(text: str) -> float:
    """A number from 0 to 1 that is always the same for the same text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / TWO_TO_THE_64
