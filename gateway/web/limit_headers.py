"""Where a key stands against its rate limits, on every answer it gets: refusals too."""

from functools import lru_cache
from typing import Any

from gateway.domain.key import Key, Limits
from gateway.flow.gateway import Gateway
from gateway.web.head import NO_LINES, Lines

STANDING = "tokenhub.standing"
"""Where an ordinary route leaves these lines, for the answer or the refusal it ends with."""

RATE = (
    b"x-ratelimit-limit-%(what)b: %(limit)d\r\n"
    b"x-ratelimit-remaining-%(what)b: %%d\r\n"
    b"x-ratelimit-reset-%(what)b: %%d\r\n"
)


def limit_lines(gateway: Gateway, key: Key | None) -> Lines:
    """For keys that have a rate limit; a reset is a Unix time in seconds."""
    if key is None:
        return NO_LINES
    clock = gateway.clock
    left = gateway.limits.rates_left(key, clock.monotonic(), clock.unix())
    return rate_lines(key.limits, left) if left else NO_LINES


def rate_lines(limits: Limits, left: tuple[int, ...]) -> Lines:
    """Of a key with these limits: what is left of each, and when it will be whole."""
    rates = rates_of(limits.requests_per_minute, limits.tokens_per_minute)
    if rates.left != left:
        rates.left = left
        rates.lines = rates.form % left
    return rates.lines


class Rates:
    """The lines of keys with the same limits, as they were told last: while nothing is used they stay as they are."""

    __slots__ = ("form", "left", "lines")

    def __init__(self, form: Any) -> None:
        self.form = form
        self.left: tuple[int, ...] | None = None
        self.lines = NO_LINES


@lru_cache(maxsize=1024)
def rates_of(requests: int | None, tokens: int | None) -> Rates:
    return Rates(
        b"".join(
            RATE % {b"what": what, b"limit": limit}
            for what, limit in ((b"requests", requests), (b"tokens", tokens))
            if limit is not None
        )
    )
