"""The decision: which offers, in which order, why, and why not the others."""

from typing import Literal

from msgspec import Struct

from gateway.domain.table import Offer

NameKind = Literal["model", "offer", "alias", "split", "tier", "auto", "wildcard", "hint", "policy"]
Standing = Literal["well", "trial", "cooling", "open"]


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
    draw: float | None = None
    """What Thompson sampling drew for it; the highest goes first."""
    max_tokens: int | None = None
    """Asked of the provider instead of what the caller wanted, where only that fits the window."""
    standing: Standing = "well"
    """`trial` is a half-open circuit; `cooling` and `open` are only tried when nothing better is left."""


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
    healthy: bool = True
    """False when every step is cooling or has an open circuit: fail at once, but for a rare trial."""
    retry_after_s: float | None = None
    """Where nothing is healthy: seconds until the first of them may work again."""
