"""A candidate under trial: who gets it, what it has learnt by itself, and how both sides did so far."""

import hashlib
from collections.abc import Iterable
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
Scores = dict[Side, Score]

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
    scores: Scores = field(default_factory=lambda: {"current": Score(), "candidate": Score()})
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

    def judge(self, now: float, others: Iterable[Scores] = ()) -> Judgement:
        """Over what this process has seen, and others that try the same candidate."""
        scores = added(self.scores, others)
        self.judgement = verdict(scores["current"], scores["candidate"], self.rules, now - self.began)
        return self.judgement


def added(scores: Scores, others: Iterable[Scores]) -> Scores:
    for other in others:
        scores = {side: score + other[side] for side, score in scores.items()}
    return scores


def lot(text: str) -> float:
    """A number from 0 to 1 that is always the same for the same text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / TWO_TO_THE_64
