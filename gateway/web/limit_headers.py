"""Where a key stands against its rate limits, on every answer it gets: refusals too."""

from gateway.domain.visit import Visit
from gateway.flow.gateway import Gateway
from gateway.state.limits import Gauge

Pairs = list[tuple[bytes, bytes]]

STANDING = "tokenhub.standing"
"""Where an ordinary route leaves these headers, for the answer or the refusal it ends with."""


def limit_headers(gateway: Gateway, visit: Visit) -> Pairs:
    """For keys that have a rate limit; a reset is a Unix time in seconds."""
    key = visit.key
    if key is None or (key.limits.requests_per_minute is None and key.limits.tokens_per_minute is None):
        return []
    standing = gateway.limits.standing(key, gateway.clock.monotonic(), gateway.clock.unix())
    if standing is None:
        return []
    return [*_told(b"requests", standing.requests), *_told(b"tokens", standing.tokens)]


def _told(what: bytes, gauge: Gauge | None) -> Pairs:
    if gauge is None:
        return []
    return [
        (b"x-ratelimit-limit-" + what, b"%d" % gauge.limit),
        (b"x-ratelimit-remaining-" + what, b"%d" % gauge.remaining),
        (b"x-ratelimit-reset-" + what, b"%d" % gauge.reset_unix),
    ]
