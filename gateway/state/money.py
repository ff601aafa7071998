"""Money as whole numbers: a nano-dollar is the smallest coin, so that sums are exact in every store."""

from math import ceil

NANO = 1e9


def nano_at_most(usd: float) -> int:
    """An upper bound; never negative."""
    nano = ceil(usd * NANO - 1e-6)
    return nano if nano > 0 else 0


def nano_of(usd: float) -> int:
    """The nearest coin; never negative."""
    nano = (usd * NANO).__round__()  # without the search that `round` begins with
    return nano if nano > 0 else 0


def usd_of(nano: int) -> float:
    return nano / NANO
