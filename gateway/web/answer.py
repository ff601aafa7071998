"""Heads of answers: every response says who served it, under which id, on which configuration."""

from collections.abc import Awaitable
from typing import Any

import msgspec

from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.gateway import Gateway
from gateway.web.door import Send, line_of
from gateway.web.head import NO_LINES, Lines, Pairs, joined, lines_of, one_line, pairs_of
from gateway.web.limit_headers import rate_lines

encode = msgspec.json.encode

JSON_PAIR = (b"content-type", b"application/json")
JSON = lines_of([JSON_PAIR])
EVENTS = lines_of(
    [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
    ]
)
CONFIG = b"x-tokenhub-config"
OURSELVES = lines_of([(b"x-inferoute-provider", b"tokenhub")])

OURS: Any = b"x-inferoute-request-id: %b\r\nx-request-id: %b\r\nx-inferoute-latency-ms: %d\r\n%b"
SIZED: Any = OURS + b"content-length: %d\r\n%b"
UNSIZED: Any = OURS + b"%b"


def head_of(gateway: Gateway, visit: Visit, told: Lines, size: int | None = None) -> Lines:
    """What every response carries, what this one tells, and its size where that is known."""
    clock, request_id = gateway.clock, b"req-" + visit.ulid.encode()
    client_id = one_line(visit.client_id.encode()) if visit.client_id else request_id
    now = clock.monotonic()
    ms = (now - visit.started) * 1000
    key, rates = visit.key, NO_LINES
    if key is not None:
        left = gateway.limits.rates_left(key, now, clock.unix())
        if left:
            rates = rate_lines(key.limits, left)
    if size is None:
        head: Lines = UNSIZED % (request_id, client_id, ms, told, rates)
    else:
        head = SIZED % (request_id, client_id, ms, told, size, rates)
    return head


def first_lines(kind: Lines, digest: str) -> Lines:
    """What the answers of a kind have in common, under one configuration."""
    return joined(config_line(digest), kind)


def config_line(digest: str) -> Lines:
    return lines_of([(CONFIG, digest[:12].encode())])


def header_safe(text: str) -> bytes:
    """Names from files and providers may hold anything; a header may not."""
    if text.isascii() and text.isprintable():
        return text[:200].encode()
    return text.encode("ascii", "backslashreplace")[:200].replace(b"\r", b"").replace(b"\n", b"")


def send_whole(send: Send, status: int, head: Lines, body: bytes) -> Awaitable[None] | None:
    """None if it is out; else it waits for the reader, or for a server without shorter ways."""
    line = line_of(send)
    if line is not None and line.whole(status, head, body):
        return None
    return send_in_two(send, status, head, body)


async def send_start(send: Send, status: int, head: Lines) -> None:
    """Of a body that comes in pieces."""
    line = line_of(send)
    if line is None or not line.start(status, head):
        await send({"type": "http.response.start", "status": status, "headers": pairs_of(head)})


async def send_in_two(send: Send, status: int, head: Lines, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": pairs_of(head)})
    await send({"type": "http.response.body", "body": body})


def refusal_pairs(error: RequestError) -> Pairs:
    """What an error adds: how to authenticate, when to come back, and not to hammer."""
    pairs = [JSON_PAIR, (b"x-inferoute-provider", header_safe(error.provider or "tokenhub"))]
    if error.kind == "unauthenticated":
        pairs.append((b"www-authenticate", b"Bearer"))
    if error.retry_after_s is not None:
        pairs.append((b"retry-after", b"%d" % max(1, -(-error.retry_after_s // 1))))
    if error.kind in NO_RETRY:
        pairs.append((b"x-should-retry", b"false"))
    return pairs


NO_RETRY = frozenset({"over_limit", "provider_failed", "all_failed", "no_eligible", "output_mismatch"})
"""Where our own retries are spent, or another try cannot help."""
