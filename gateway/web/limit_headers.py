"""Where a key stands against its rate limits, on every answer it gets: refusals too."""

from gateway.domain.visit import Visit
from gateway.flow.gateway import Gateway
from gateway.state.limits import Gauge

Pairs = list[tuple[bytes, bytes]]

STANDING = "tokenhub.standing"
"""Where an ordinary route leaves these headers, for the answer or the refusal it ends with."""


Names = tuple[bytes, bytes, bytes]
REQUESTS: Names = (b"x-ratelimit-limit-requests", b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests")
TOKENS: Names = (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens")


def limit_headers(gateway: Gateway, visit: Visit) -> Pairs:
    """For keys that have a rate limit; a reset is a Unix time in seconds."""
    key, clock = visit.key, gateway.clock
    standing = None if key is None else gateway.limits.standing(key, clock.monotonic(), clock.unix())
    if standing is None:
        return []
    requests, tokens = standing.requests, standing.tokens
    told = [] if requests is None else _told(REQUESTS, requests)
    return told if tokens is None else told + _told(TOKENS, tokens)


def _told(names: Names, gauge: Gauge) -> Pairs:
    limit, remaining, reset = names
    return [(limit, b"%d" % gauge.limit), (remaining, b"%d" % gauge.remaining), (reset, b"%d" % gauge.reset_unix)]
