"""So many a minute, exactly: the generic cell rate algorithm, which needs one number per key and limit.

The number is the theoretical arrival time: when all that was taken so far will have flowed back. A whole minute's
worth may be taken at once; from then on it flows back evenly.
"""

from math import inf

MINUTE_S = 60.0
GRAIN_S = 1e-6
"""Less than any token takes to flow back; hides the rounding of sums."""


def after_taking(arrival: float, now: float, amount: float, per_minute: int) -> float:
    """The arrival time once `amount` is taken; infinite while that may not be."""
    if amount > per_minute:
        return inf
    if per_minute <= 0:
        return arrival
    after = (arrival if arrival > now else now) + amount * MINUTE_S / per_minute
    if after - now - MINUTE_S > GRAIN_S:
        return inf
    return after if amount else arrival


def wait_s(arrival: float, now: float, amount: float, per_minute: int) -> float:
    """How long until `amount` may be taken, where it may not be now; infinite if never."""
    if amount > per_minute:
        return inf
    return max(arrival, now) + amount * MINUTE_S / per_minute - now - MINUTE_S


def left(arrival: float, now: float, per_minute: int) -> int:
    """How much could be taken now; never more than a minute's worth."""
    used_s = arrival - now
    if used_s < 0.0:
        used_s = 0.0
    elif used_s > MINUTE_S:
        used_s = MINUTE_S
    amount = int((MINUTE_S - used_s + GRAIN_S) * per_minute / MINUTE_S)
    return amount if amount < per_minute else per_minute
