"""The terms of shared limits in words: what stands against a request, what one process may do alone, what is left."""

from math import ceil

from gateway.domain.key import Limits
from gateway.state.gcra import left
from gateway.state.limits import Denial, DenialCode, Gauge, Spent, cap_reached, priceless, too_fast, too_many


def beyond_hope(limits: Limits, paced: int, usd: float | None) -> Denial | None:
    """What no store and no waiting cures."""
    rate = limits.tokens_per_minute
    if rate is not None and paced > rate:
        return too_fast("tokens", rate, float("inf"))
    return priceless(limits, usd)


def in_words(limits: Limits, code: str, late_us: int, spent: Spent, month: str) -> Denial:
    """The script's refusal as a caller reads it."""
    wait_s = float("inf") if late_us < 0 else late_us / 1e6
    if code == "concurrency":
        return too_many(limits.concurrency or 0)
    if code == "requests_per_minute":
        return too_fast("requests", limits.requests_per_minute or 0, wait_s)
    if code == "tokens_per_minute":
        return too_fast("tokens", limits.tokens_per_minute or 0, wait_s)
    cap: DenialCode = "monthly_tokens" if code == "monthly_tokens" else "monthly_spend"
    return cap_reached(limits, spent, month, cap)


def share_of(per_minute: int | None, processes: int) -> int | None:
    """What one of so many processes may do alone."""
    return None if per_minute is None else max(per_minute // processes, min(per_minute, 1))


def gauge(per_minute: int | None, arrival: float, held: int, now: float, unix: float) -> Gauge | None:
    """`arrival` is the theoretical arrival time as last heard, `held` what this process took in advance."""
    if per_minute is None:
        return None
    if arrival <= now:
        return Gauge(per_minute, per_minute, ceil(unix))
    remaining = left(arrival, now, per_minute) + held if held > 0 else left(arrival, now, per_minute)
    return Gauge(per_minute, remaining if remaining < per_minute else per_minute, ceil(unix + (arrival - now)))
