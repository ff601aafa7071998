"""What a head says of the caller and of their wishes: worked out once for all requests that come with it."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from gateway.flow.enter import Caller, caller_of
from gateway.web.body import why_unread
from gateway.web.door import HEADERS, OURS, Scope
from gateway.web.wishes import client_id_of, token_of

INTRODUCTION = OURS + "introduction"
"""Where it is left in a scope that may come again."""


class Introduction(Struct, frozen=True):
    """Nothing in it may depend on a configuration, a time, or the length of a body."""

    headers: Mapping[bytes, bytes]
    caller: Caller
    method: str
    unread: str | None
    """Why no body is read that comes with this head."""
    once: bytes | None
    """The key under which an answer is repeated."""
    wants_trace: bool
    trace_parent: str | None


def introduction(scope: Scope, also: Literal[b"x-api-key"] | None = None) -> Introduction:
    """`also`: where a key may stand besides `Authorization`."""
    known: Introduction | None = scope.get(INTRODUCTION)
    if known is None:
        known = scope[INTRODUCTION] = _introduced(scope, also)
    return known


def _introduced(scope: Scope, also: Literal[b"x-api-key"] | None) -> Introduction:
    headers: Mapping[bytes, bytes] = scope[HEADERS]
    parent = headers.get(b"traceparent")
    return Introduction(
        headers=headers,
        caller=caller_of(token_of(headers, also), client_id=client_id_of(headers), peer=peer_of(scope)),
        method=scope["method"],
        unread=why_unread(headers),
        once=headers.get(b"idempotency-key"),
        wants_trace=headers.get(b"x-tokenhub-trace") == b"1",
        trace_parent=None if parent is None else parent.decode("latin-1"),
    )


def peer_of(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
