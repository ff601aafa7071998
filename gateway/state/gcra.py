"""So many a minute, exactly: the generic cell rate algorithm, which needs one number per key and limit.

The number is the theoretical arrival time: when all that was taken so far will have flowed back. A whole minute's
worth may be taken at once, until that time is a minute ahead; from then on it flows back evenly.
"""

from math import floor, inf

MINUTE_S = 60.0
GRAIN_S = 1e-6
"""Less than any token takes to flow back; hides the rounding of sums."""


def flow_s(amount: int, per_minute: int) -> float:
    """How long it takes to flow back; for ever where it is more than a minute's worth, so that it is never taken."""
    if amount > per_minute:
        return inf
    return amount * MINUTE_S / per_minute if amount else 0.0


def left(arrival: float, now: float, per_minute: int) -> int:
    """How much could be taken now; never more than a minute's worth."""
    used_s = arrival - now
    if used_s < 0.0:
        used_s = 0.0
    elif used_s > MINUTE_S:
        used_s = MINUTE_S
    amount = floor((MINUTE_S - used_s + GRAIN_S) * per_minute / MINUTE_S)
    return amount if amount < per_minute else per_minute
