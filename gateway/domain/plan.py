"""The decision: which offers, in which order, why, and why not the others."""

from typing import Literal

from msgspec import Struct

from gateway.domain.table import Offer

NameKind = Literal["model", "offer", "alias", "split", "tier", "auto", "wildcard", "hint", "policy"]


class Score(Struct, frozen=True, kw_only=True):
    """The terms of a scored order; lower totals are better."""

    cost: float
    latency: float
    failure: float
    capability: float
    total: float


class Step(Struct, frozen=True, kw_only=True):
    """One offer to try."""

    offer: Offer
    reason: str
    """What the answer says if this step serves at once."""
    cost_usd: float = 0.0
    """Estimated, an upper bound for the output asked for."""
    output_tokens: int = 0
    """The output the estimate counts with, per choice."""
    score: Score | None = None


class Refusal(Struct, frozen=True, kw_only=True):
    """One offer, rung or name that was passed over."""

    name: str
    rule: str
    """Stable word for the rule: `budget`, `window`, `weight`, `circuit`, …"""
    why: str


class Plan(Struct, frozen=True, kw_only=True):
    """What will be tried, in order. No step breaks a hard limit."""

    asked: str
    """The name asked for, or what stood in for a missing one."""
    kind: NameKind
    alias_from: str | None = None
    """The alias, or `*`, that was resolved on the way."""
    mode: str | None = None
    strategy: str | None = None
    steps: tuple[Step, ...]
    refused: tuple[Refusal, ...] = ()
    turn: str | None = None
    """The rotation this plan used; whoever serves it notes that the turn was taken."""
    wider: tuple[Step, ...] = ()
    """Offers outside the order that may be tried only when the input overflows a window, smallest window first."""
