"""So many a minute, exactly: the generic cell rate algorithm, which needs one number per key and limit.

The number is the theoretical arrival time: when all that was taken so far will have flowed back. A whole minute's
worth may be taken at once; from then on it flows back evenly.
"""

MINUTE_S = 60.0
GRAIN_S = 1e-6
"""Less than any token takes to flow back; hides the rounding of sums."""


def after_taking(arrival: float, now: float, amount: float, per_minute: int) -> float:
    """The arrival time once `amount` is taken."""
    return max(arrival, now) + amount * MINUTE_S / per_minute


def wait_s(arrival: float, now: float, amount: float, per_minute: int) -> float:
    """How long until `amount` may be taken; 0 if at once, infinite if never."""
    if amount > per_minute:
        return float("inf")
    if per_minute <= 0:
        return 0.0
    late_s = after_taking(arrival, now, amount, per_minute) - now - MINUTE_S
    return late_s if late_s > GRAIN_S else 0.0


def left(arrival: float, now: float, per_minute: int) -> int:
    """How much could be taken now."""
    used_s = min(max(arrival - now, 0.0), MINUTE_S)
    return int((MINUTE_S - used_s + GRAIN_S) * per_minute / MINUTE_S)
