"""What request headers say: who calls, by which strategy, with which fallbacks, under which id."""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from gateway.domain.table import Strategy
from gateway.errors import RequestError

STRATEGIES: tuple[Strategy, ...] = ("cost", "latency", "availability", "round-robin")
STRATEGY = b"x-inferoute-strategy"
FALLBACK = b"x-inferoute-fallback"
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Wishes(Struct, frozen=True):
    """How the caller wants the request routed."""

    strategy: Strategy | None = None
    fallback: tuple[str, ...] | None = None


NO_WISHES = Wishes()


def token_of(headers: Mapping[bytes, bytes], also: Literal[b"x-api-key"] | None = None) -> bytes | None:
    """The bearer token; None where no credential was sent, empty where it is malformed."""
    value = headers.get(b"authorization")
    if value is None:
        return headers.get(also) if also else None
    scheme, _, token = value.partition(b" ")
    return token if scheme.lower() == b"bearer" and b" " not in token else b""


def client_id_of(headers: Mapping[bytes, bytes]) -> str | None:
    value = headers.get(b"x-request-id")
    if value is None:
        return None
    text = value.decode("latin-1")
    return text if CLIENT_ID.fullmatch(text) else None


def wishes_of(headers: Mapping[bytes, bytes], max_fallbacks: int) -> Wishes:
    strategy = headers.get(STRATEGY)
    fallback = headers.get(FALLBACK)
    if strategy is None and fallback is None:
        return NO_WISHES
    return Wishes(
        strategy=None if strategy is None else _strategy(strategy.decode("latin-1").strip()),
        fallback=None if fallback is None else _fallback(fallback, max_fallbacks),
    )


def _strategy(text: str) -> Strategy:
    for strategy in STRATEGIES:
        if text == strategy:
            return strategy
    raise RequestError(
        "invalid_value",
        "invalid_value",
        "X-Inferoute-Strategy must be one of cost, latency, availability, round-robin.",
        param="X-Inferoute-Strategy",
    )


def _fallback(value: bytes, max_fallbacks: int) -> tuple[str, ...]:
    text = value.decode("utf-8", "replace")
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if len(names) > max_fallbacks:
        raise RequestError(
            "invalid_value",
            "invalid_value",
            f"X-Inferoute-Fallback may name at most {max_fallbacks} models.",
            param="X-Inferoute-Fallback",
        )
    return names
