"""One HTTP/1.1 connection to a provider: a request is written, an answer is heard, every wait has an end."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any, Final, cast

import httptools

from gateway.clock import Clock
from gateway.domain.call import Patience
from gateway.upstream.answer_head import Head, read_head
from gateway.upstream.bounds import Bounds
from gateway.upstream.letter import Origin

HEAD: Final = 1
DATA: Final = 2
WHOLE: Final = 3
CLOSED: Final = "upstream_incomplete"
JOINED_BYTES = 64 * 1024
"""Bodies up to this size are written together with their head."""


class Connection(asyncio.Protocol):
    """Serves one exchange after the other; `begin`, `arrive` as often as needed, `finish`."""

    __slots__ = (
        "_body",
        "_bounds",
        "_buffered",
        "_clock",
        "_deadline",
        "_dry",
        "_keep",
        "_loop",
        "_on_lost",
        "_parser",
        "_patience",
        "_paused",
        "_raw",
        "_room",
        "_size",
        "_timer",
        "_timer_at",
        "_transport",
        "_waiter",
        "_want",
        "_why",
        "born",
        "busy",
        "complete",
        "fault",
        "head",
        "head_at",
        "heard",
        "idle_until",
        "leased",
        "open",
        "origin",
        "streaming",
        "truncated",
        "uses",
    )  # fmt: skip

    def __init__(self, clock: Clock, bounds: Bounds, on_lost: "Callable[[Connection], None]", origin: Origin) -> None:
        self._clock = clock
        self._bounds = bounds
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._deadline = inf
        self._paused = False
        self.origin = origin
        self.born = clock.monotonic()
        self.idle_until = inf
        self.uses = 0
        self.open = self.busy = self.leased = self.streaming = False
        self.head_at = 0.0
        self.fault: str | None = None
        self.complete = True

    # an exchange

    def begin(self, head: bytes, body: bytes, patience: Patience, now: float) -> None:
        self._raw: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = self._buffered = self._dry = 0
        self._room = float(self._bounds.body_bytes)
        self._patience = patience
        self._want = HEAD
        self._keep = True
        self.head: Head | None = None
        self.fault = None
        self.complete = self.truncated = self.heard = False
        self.busy = True
        self.uses += 1
        self._watch(now + patience.first_byte_s, "upstream_timeout", now)
        if len(body) <= JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    async def arrive(self, want: int) -> str | None:
        """Wait for the head, for more of the body, or for its end; a code says why it will not come."""
        if want == WHOLE and self.head is not None and not self.complete:
            now = self._clock.monotonic()
            self._watch(now + self._patience.idle_s, "upstream_stalled", now)
        exchange = self.uses
        while not self._there(want):
            if self.fault is not None:
                return self.fault
            self._want = want
            self._waiter = waiter = self._loop.create_future()
            try:
                await waiter
            finally:
                if self._waiter is waiter:
                    self._waiter = None
            if self.uses != exchange:  # somebody else gave it back, and it serves another by now
                return CLOSED
        return None

    async def more(self) -> str | None:
        """Wait for more of a stream: silence is counted while somebody listens, and only then."""
        if not self._there(DATA) and self.fault is None:
            now = self._clock.monotonic()
            exchange = self.uses
            if self._size:
                self._watch(now + self._patience.idle_s, "upstream_stalled", now)
            try:
                return await self.arrive(DATA)
            finally:
                if self.busy and self.uses == exchange:
                    self._watch(inf, "deadline_exceeded", now)
        return self.fault if not self._body else None

    def stream(self) -> None:
        """From here on the body is taken as it comes, and has no end by size."""
        self._room = inf
        self.streaming = True

    def take(self) -> bytes:
        """What has been heard of the body and not been taken."""
        body = self._body
        if not body:
            return b""
        self._body = []
        self._buffered = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return body[0] if len(body) == 1 else b"".join(body)

    def finish(self) -> bool:
        """The exchange is over, at its end or not; tells whether the connection is good for another."""
        self.busy = self.streaming = False
        self._deadline = inf
        if not self.complete and self.fault is None:
            self.fault = CLOSED
        self._wake()
        self._body = []
        good = self.complete and self._keep and self.open and self.fault is None and not self._paused
        if good and self._transport.get_write_buffer_size() == 0:
            return True
        self.abort()
        return False

    @property
    def stale(self) -> bool:
        """It had been idle, and was closed before it said anything: the other side had hung up already."""
        return self.uses > 1 and not self.heard and self.fault == "connection_reset"

    def abort(self) -> None:
        if self.open:
            self.open = False
            self._transport.abort()
        self._forget_timer()

    def fail(self, code: str) -> None:
        """Nothing more will be heard, because of this."""
        self._keep = False
        if self.fault is None and not self.complete:
            self.fault = code
        self._wake()
        self.abort()

    # what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser: Any = httptools.HttpResponseParser(self)
        self.open = True

    def data_received(self, data: bytes) -> None:
        if not self.busy or self.complete or self.fault is not None:
            self._keep = False  # words nobody asked for: whose answer would they be?
            self.abort()
            return
        self.heard = True
        before = self._size
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail("malformed_response")
            return
        if self._size != before:
            self._dry = 0
        elif self._grown_dry(len(data)):
            return
        self._after_data()

    def eof_received(self) -> None:
        self._gone(clean=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone(clean=exc is None)
        self._parser = None
        self._on_lost(self)

    # what the parser says

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is None:
            self._raw.append((name, value))

    def on_headers_complete(self) -> None:
        if self.complete or self.head is not None:
            self._keep = False
            return
        head = read_head(self._parser.get_status_code(), self._raw, self._bounds.head_bytes)
        self._raw = []
        if isinstance(head, str):
            self.fail(head)
        elif head.status >= 200:  # 1xx is only a word on the way
            self.head = head
            self.head_at = self._clock.monotonic()
            if 300 <= head.status < 400:
                self.fail("unexpected_redirect")
            elif head.status >= 400:
                self._room = self._bounds.error_bytes

    def on_body(self, data: bytes) -> None:
        if self.complete or self.fault is not None:
            return
        self._size += len(data)
        self._buffered += len(data)
        if self._size > self._room:
            self._overflow(data)
        else:
            self._body.append(data)

    def on_message_begin(self) -> None:
        if self.complete:
            self._keep = False

    def on_message_complete(self) -> None:
        if self.head is not None and not self.complete and self.fault is None:
            self._keep = self._keep and bool(self._parser.should_keep_alive())
            self.complete = True

    # inside

    def _there(self, want: int) -> bool:
        if self.complete:
            return True
        if want == HEAD:
            return self.head is not None
        return want == DATA and bool(self._body)

    def _after_data(self) -> None:
        if self._waiter is not None and self._there(self._want):
            self._wake()
        if self.complete or self.fault is not None:
            return
        if self._want == WHOLE:
            if self.head is not None:
                now = self._clock.monotonic()
                self._watch(now + self._patience.idle_s, "upstream_stalled", now)
        elif self._buffered > self._bounds.buffer_bytes and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _grown_dry(self, size: int) -> bool:
        """Bytes that are no content have a limit, or a head without an end would fill the memory."""
        self._dry += size
        if self._dry <= self._bounds.head_bytes or self.complete:
            return False
        self.fail("malformed_response")
        return True

    def _overflow(self, data: bytes) -> None:
        if self.head is not None and self.head.status >= 400:
            kept = len(data) - int(self._size - self._room)
            self._body.append(data[:kept])
            self.complete = self.truncated = True
            self._keep = False
        else:
            self.fail("response_too_large")

    def _gone(self, *, clean: bool) -> None:
        self.open = False
        self._forget_timer()
        if self.busy and not self.complete and self.fault is None:
            if clean and self.head is not None and self.head.until_close:
                self.complete = True
                self._keep = False
            else:
                self.fault = "connection_reset" if self.head is None else "upstream_incomplete"
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch(self, until: float, why: str, now: float) -> None:
        """Fail with `why` at that time. The timer is moved only when it would ring too late: it rarely is."""
        if until >= self._patience.until:
            until, why = self._patience.until, "deadline_exceeded"
        self._deadline = until
        self._why = why
        if until < self._timer_at:
            self._forget_timer()
            self._timer_at = until
            self._timer = self._loop.call_later(max(0.0, until - now), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._timer_at = inf
        if self._deadline == inf or not self.open:
            return
        now = self._clock.monotonic()
        if self.streaming and self._size and self._why == "upstream_timeout":
            self._watch(inf, "", now)  # it did begin to answer; nobody has come to read it yet
        elif now < self._deadline:
            self._timer_at = self._deadline
            self._timer = self._loop.call_later(self._deadline - now, self._ring)
        else:
            self.fail(self._why)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._timer_at = inf
