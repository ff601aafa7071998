"""What a request asks of its key's limits, and what it may be told: admitted with so much set aside, or why not.

A request is admitted with an upper bound of its tokens and its cost, and settled with what it really used: more is
recorded in full, less flows back. Rates are a matter of pace: they set aside what a request will probably use. The
counters live in a store, in memory or shared; all of them answer alike.
"""

from collections.abc import Mapping
from math import ceil, inf
from types import MappingProxyType
from typing import Any, Literal, Protocol, final

from msgspec import Struct

from gateway.domain.key import Key, Limits
from gateway.state.calendar import Calendar
from gateway.state.money import usd_of

DenialCode = Literal[
    "requests_per_minute",
    "tokens_per_minute",
    "concurrency",
    "request_tokens",
    "monthly_tokens",
    "monthly_spend",
    "quota_unavailable",
]
LEASE_FACTOR = 2.0
"""A reservation that is neither settled nor released is given up after its deadline times this."""


@final
class Denial(Struct, frozen=True, kw_only=True):
    """The request may not run; everything a RequestError wants to know."""

    kind: Literal["rate_limited", "over_limit", "overloaded"]
    code: DenialCode
    message: str
    retry_after_s: float | None = None
    facts: Mapping[str, Any] = MappingProxyType({})


class Reservation(Struct, eq=False, gc=False):
    """What is set aside for one request; belongs to the store that made it and is closed there exactly once.

    That it is open is known by the store alone. Nothing that it holds refers to it.
    """

    key: Key
    month: str
    """In which the request was admitted, and is charged."""
    tokens: int
    nano_usd: int
    paced: int
    """Tokens taken from the rate."""
    expires: float
    """Monotonic time when it is given up."""
    lease: Any = None
    """The store's own note."""
    given_up: bool = False
    """Its lease is over, its request is not: should that come to an end, it is charged."""


class Gauge(Struct, frozen=True):
    """One rate limit as its headers tell it."""

    limit: int
    remaining: int
    reset_unix: int


class Standing(Struct, frozen=True):
    """Where a key stands against its rate limits; None where it has none."""

    requests: Gauge | None
    tokens: Gauge | None


class Alert(Struct, frozen=True, kw_only=True):
    """A share of a monthly cap was passed just now."""

    key: str
    month: str
    what: Literal["tokens", "usd"]
    share: float
    spent: float
    cap: float


class Spent(Struct, frozen=True):
    """What a key used in a month."""

    tokens: int = 0
    nano_usd: int = 0


class LimitStore(Protocol):
    """The seam: what every store of limits can do. All but `ask` return at once."""

    calendar: Calendar

    def reserve(
        self,
        key: Key,
        tokens: int,
        usd: float | None,
        now: float,
        unix: float,
        deadline_s: float = 600.0,
        paced: int | None = None,
    ) -> Reservation | Denial | None:
        """`tokens` and `usd` are upper bounds, `paced` is what the rate is asked for (left out: `tokens`).

        None means that the shared store has to be asked: await `ask` with the same arguments.
        """
        ...

    async def ask(
        self,
        key: Key,
        tokens: int,
        usd: float | None,
        now: float,
        unix: float,
        deadline_s: float = 600.0,
        paced: int | None = None,
    ) -> Reservation | Denial: ...

    def settle(self, reservation: Reservation, tokens: int, usd: float) -> tuple[Alert, ...]:
        """What was really used. A second end of one reservation changes nothing."""
        ...

    def release(self, reservation: Reservation) -> None:
        """Nothing was used."""
        ...

    def charge(self, key: Key, admitted: float, tokens: int, usd: float) -> None:
        """What a key without limits used: should it get a cap within the month, that counts."""
        ...

    def adopt(self, shares: tuple[float, ...], capped_anew: tuple[str, ...] = ()) -> None:
        """After a reload: the shares to tell of, and the keys that have a monthly cap since."""
        ...

    def expire(self, now: float) -> int:
        """Gives up reservations whose request is long over by any deadline; how many. Called about once a second."""
        ...

    def standing(self, key: Key, now: float, unix: float) -> Standing | None: ...

    def rates_left(self, key: Key, now: float, unix: float) -> tuple[int, ...]:
        """The same in bare numbers: what remains, and when it resets, of requests and of tokens, where limited."""
        ...

    def spent(self, key: str, now: float) -> Spent:
        """As far as this process knows."""
        ...


def is_capped(limits: Limits) -> bool:
    """Whether there is a sum that must not be passed."""
    return limits.monthly_usd is not None or limits.monthly_tokens is not None


def too_long(limit: int, tokens: int) -> Denial:
    """One request alone is more than the key may send at once."""
    return Denial(
        kind="over_limit",
        code="request_tokens",
        message=f"This request may use {tokens} tokens; this key allows {limit} a request. "
        "Shorten the input or lower `max_tokens`.",
    )


def priceless(limits: Limits, usd: float | None) -> Denial | None:
    """What no waiting cures: a budget says nothing about a model without a price."""
    if limits.monthly_usd is not None and usd is None:
        return Denial(
            kind="over_limit",
            code="monthly_spend",
            message="This model has no price, so a key with a monthly budget cannot use it.",
            facts=MappingProxyType({"budget_usd": limits.monthly_usd}),
        )
    return None


def too_fast(what: Literal["requests", "tokens"], per_minute: int, wait_s: float) -> Denial:
    code: DenialCode = "requests_per_minute" if what == "requests" else "tokens_per_minute"
    if wait_s == float("inf"):
        advice = "This request alone needs more. Lower `max_tokens`." if per_minute else "It may send none."
    else:
        advice = f"Try again in {max(1, ceil(wait_s))} s."
    return Denial(
        kind="rate_limited",
        code=code,
        message=f"This key is limited to {per_minute} {what} a minute. {advice}",
        retry_after_s=60.0 if wait_s == float("inf") else wait_s,
    )


def too_many(limit: int) -> Denial:
    return Denial(
        kind="rate_limited",
        code="concurrency",
        message=f"This key is limited to {limit} requests at a time. Try again when one has ended.",
        retry_after_s=1.0,
    )


def cap_reached(limits: Limits, spent: Spent, month: str, code: DenialCode) -> Denial:
    if code == "monthly_tokens":
        return Denial(
            kind="over_limit",
            code=code,
            message=f"This key's {limits.monthly_tokens} tokens for {month} do not allow this request.",
            facts=MappingProxyType({"budget_tokens": limits.monthly_tokens, "spent_tokens": spent.tokens}),
        )
    return Denial(
        kind="over_limit",
        code=code,
        message=f"This key's budget of ${limits.monthly_usd:g} for {month} does not allow this request.",
        facts=MappingProxyType({"budget_usd": limits.monthly_usd, "spent_usd": usd_of(spent.nano_usd)}),
    )


def quota_unavailable() -> Denial:
    return Denial(
        kind="overloaded",
        code="quota_unavailable",
        message="The store of limits cannot be reached, and this key has a limit that must not be passed.",
        retry_after_s=1.0,
    )


def alerts(key: Key, month: str, before: Spent, after: Spent, shares: tuple[float, ...]) -> tuple[Alert, ...]:
    """The shares that lie between what was spent before and after."""
    limits, lowest = key.limits, min(shares)
    spent_usd = usd_of(after.nano_usd)
    if after.tokens < lowest * (limits.monthly_tokens or inf) and spent_usd < lowest * (limits.monthly_usd or inf):
        return ()
    told: list[Alert] = []
    for what, cap, was, now in (
        ("tokens", limits.monthly_tokens, before.tokens, after.tokens),
        ("usd", limits.monthly_usd, usd_of(before.nano_usd), spent_usd),
    ):
        if cap:
            told += [
                Alert(key=key.name, month=month, what=what, share=share, spent=now, cap=cap)  # type: ignore[arg-type]
                for share in shares
                if was < share * cap <= now
            ]
    return tuple(told)
