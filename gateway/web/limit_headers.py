"""Where a key stands against its rate limits, on every answer it gets: refusals too."""

from gateway.domain.key import Key
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
    limits, clock = key.limits, gateway.clock
    lines = rate_lines(limits.requests_per_minute, limits.tokens_per_minute)
    return Lines(lines % gateway.limits.rates_left(key, clock.monotonic(), clock.unix()))


def rate_lines(requests: int | None, tokens: int | None) -> bytes:
    """Of a key with these limits; what is left of each, and when it will be whole, is yet to be filled in."""
    return b"".join(
        RATE % {b"what": what, b"limit": limit}
        for what, limit in ((b"requests", requests), (b"tokens", tokens))
        if limit is not None
    )
