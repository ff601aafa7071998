"""Time, health, turn and chance as one value: all that planning knows of the world outside the files."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

EMPTY: Mapping[Any, Any] = MappingProxyType({})


class Vitals(Struct, frozen=True, kw_only=True):
    """What is known of one offer (or one provider) now."""

    samples: int = 0
    """Attempts in the window."""
    error_rate: float = 0.0
    """Smoothed, 0 to 1."""
    latency_ms: float | None = None
    """Median time to first byte; None while there are too few samples."""
    open_until: float = 0.0
    """Monotonic time until which the circuit is open; 0 when closed."""
    trials_left: int = 1
    """How many trial requests a half-open circuit still admits; only read once `open_until` has passed and is not 0."""
    cooldown_until: float = 0.0
    """Monotonic time until which the provider asked us to stay away."""
    limited: bool = False
    """That was over a rate limit: a matter of pace, not of a fault."""
    in_flight: int = 0


UNKNOWN = Vitals()


class Arm(Struct, frozen=True, kw_only=True):
    """Faded sums of reward and its absence for one offer and input size."""

    alpha: float = 1.0
    beta: float = 1.0


class Ladder(Struct, frozen=True, kw_only=True):
    """The rungs of `*` in force, and who said so."""

    models: tuple[str, ...]
    source: str
    """`api`, `file` or `config`."""


class Moment(Struct, frozen=True, kw_only=True):
    """One instant. The mappings are read-only views that hold still while a plan is made."""

    now: float
    """Monotonic seconds."""
    unix: float
    offers: Mapping[str, Vitals] = EMPTY
    """By offer name; a missing one is UNKNOWN."""
    providers: Mapping[str, Vitals] = EMPTY
    """By provider name; those that nothing stands against may be missing."""
    disabled_providers: frozenset[str] = frozenset()
    """Switched off at run time, over and above the files."""
    turns: Mapping[str, int] = EMPTY
    """How often each rotation has been used."""
    chance: int = 0
    """The dice already thrown: seeds every draw of this plan."""
    arms: Mapping[tuple[str, str], Arm] = EMPTY
    """By offer name and input-size bucket (`small`, `medium`, `large`)."""
    ladder: Ladder | None = None
    """None means the configuration's own `wildcard_models`."""
