"""Heads of answers: every response says who served it, under which id, on which configuration."""

from functools import lru_cache

import msgspec

from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.web.door import Send, line_of

encode = msgspec.json.encode

JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
UNBUFFERED = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
OURSELVES = (b"x-inferoute-provider", b"tokenhub")

Pairs = list[tuple[bytes, bytes]]


def base_headers(visit: Visit, now: float) -> Pairs:
    """What every response carries."""
    ulid = visit.ulid.encode()
    request_id = b"req-" + ulid
    return [
        (b"x-inferoute-request-id", request_id),
        (b"x-request-id", visit.client_id.encode() if visit.client_id else request_id),
        (b"x-inferoute-latency-ms", b"%d" % ((now - visit.started) * 1000)),
        (b"x-tokenhub-config", visit.snapshot.digest[:12].encode()),
    ]


@lru_cache(maxsize=4096)
def header_safe(text: str) -> bytes:
    """Names from files and providers may hold anything; a header may not."""
    if text.isascii() and text.isprintable():
        return text[:200].encode()
    return text.encode("ascii", "backslashreplace")[:200].replace(b"\r", b"").replace(b"\n", b"")


async def send_whole(send: Send, status: int, headers: Pairs, body: bytes) -> None:
    headers.append((b"content-length", b"%d" % len(body)))
    line = line_of(send)
    if line is not None and line.whole(status, headers, body):
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def refusal_headers(error: RequestError, headers: Pairs) -> Pairs:
    """What an error adds: how to authenticate, when to come back, and not to hammer."""
    headers.append(JSON)
    headers.append((b"x-inferoute-provider", header_safe(error.provider or "tokenhub")))
    if error.kind == "unauthenticated":
        headers.append((b"www-authenticate", b"Bearer"))
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % max(1, -(-error.retry_after_s // 1))))
    if error.kind in NO_RETRY:
        headers.append((b"x-should-retry", b"false"))
    return headers


NO_RETRY = frozenset({"over_limit", "provider_failed", "all_failed", "no_eligible", "output_mismatch"})
"""Where our own retries are spent, or another try cannot help."""
