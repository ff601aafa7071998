"""What a key has left of its limits: read, never touched."""

from datetime import UTC, datetime
from typing import Any, Protocol

from gateway.domain.key import Key
from gateway.flow.outlook import Demand, Look
from gateway.state.limits import Denial, Gauge, Spent, Standing, cap_reached, priceless, too_fast
from gateway.state.money import nano_at_most, nano_of, usd_of


class Counters(Protocol):
    """As much of a store of limits as is read here."""

    def standing(self, key: Key, now: float, unix: float) -> Standing | None: ...

    def spent(self, key: str, now: float) -> Spent: ...


def left_of(counters: Counters, key: Key, now: float, unix: float) -> dict[str, Any]:
    """Every limit the key has, with what is left of it or what is spent of it."""
    limits, standing, spent = key.limits, counters.standing(key, now, unix), counters.spent(key.name, now)
    told: dict[str, Any] = {}
    if limits.requests_per_minute is not None:
        told["requests_per_minute"] = _gauge(standing.requests if standing else None, limits.requests_per_minute)
    if limits.tokens_per_minute is not None:
        told["tokens_per_minute"] = _gauge(standing.tokens if standing else None, limits.tokens_per_minute)
    if limits.concurrency is not None:
        told["concurrency"] = {"limit": limits.concurrency}
    if limits.request_tokens is not None:
        told["request_tokens"] = {"limit": limits.request_tokens}
    if limits.monthly_tokens is not None:
        told["monthly_tokens"] = {"limit": limits.monthly_tokens, "spent": spent.tokens}
    if limits.monthly_usd is not None:
        told["monthly_usd"] = {"limit": limits.monthly_usd, "spent": usd_of(spent.nano_usd)}
    return told


def _gauge(gauge: Gauge | None, limit: int) -> dict[str, Any]:
    return {"limit": limit, "remaining": limit if gauge is None else gauge.remaining}


def looking_at(counters: Counters, now: float, unix: float) -> Look:
    """How a request would be denied just now. Requests under way are not known here."""

    def look(key: Key, demand: Demand) -> Denial | None:
        return priceless(key.limits, demand.usd) or _over_cap(key, demand) or _too_fast(key, demand)

    def _over_cap(key: Key, demand: Demand) -> Denial | None:
        limits, spent = key.limits, counters.spent(key.name, now)
        month = datetime.fromtimestamp(unix, UTC).strftime("%Y-%m")
        if limits.monthly_tokens is not None and spent.tokens + demand.tokens > limits.monthly_tokens:
            return cap_reached(limits, spent, month, "monthly_tokens")
        nano = 0 if demand.usd is None else nano_at_most(demand.usd)
        if limits.monthly_usd is not None and spent.nano_usd + nano > nano_of(limits.monthly_usd):
            return cap_reached(limits, spent, month, "monthly_spend")
        return None

    def _too_fast(key: Key, demand: Demand) -> Denial | None:
        standing = counters.standing(key, now, unix)
        if standing is None:
            return None
        gauges = (("requests", standing.requests, 1), ("tokens", standing.tokens, demand.paced))
        for what, gauge, wanted in gauges:
            if gauge is not None and gauge.remaining < wanted:
                wait_s = float("inf") if wanted > gauge.limit else max(1.0, gauge.reset_unix - unix)
                return too_fast("requests" if what == "requests" else "tokens", gauge.limit, wait_s)
        return None

    return look
