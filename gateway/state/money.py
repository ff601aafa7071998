"""Money as whole numbers: a nano-dollar is the smallest coin, so that sums are exact in every store."""

from math import ceil

NANO = 1_000_000_000


def nano_at_most(usd: float) -> int:
    """An upper bound; never negative."""
    return max(0, ceil(usd * NANO - 1e-6))


def nano_of(usd: float) -> int:
    """The nearest coin; never negative."""
    return max(0, round(usd * NANO))


def usd_of(nano: int) -> float:
    return nano / NANO
