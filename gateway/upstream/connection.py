"""One HTTP/1.1 connection to a provider: a request is written, an answer is heard, every wait has an end."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final, cast

from gateway.clock import Clock
from gateway.domain.call import Patience
from gateway.upstream.alarm import Alarm
from gateway.upstream.bounds import Bounds
from gateway.upstream.hearing import INCOMPLETE, RESET, Hearing
from gateway.upstream.letter import Origin

HEAD: Final = 1
DATA: Final = 2
WHOLE: Final = 3
JOINED_BYTES = 64 * 1024
"""Bodies up to this size are written together with their head."""
Pieces = tuple[bytes, ...]
"""A request as it is written: its head, and the body as the last of them."""


class Connection(asyncio.Protocol):
    """Serves one exchange after the other: `begin`, `arrive` as often as needed, `finish`."""

    # fmt: off
    __slots__ = (
        "_alarm", "_buffer_bytes", "_clock", "_loop", "_on_lost", "_patience", "_paused", "_tap", "_transport",
        "_waiter", "_want", "_why", "answer", "busy", "head_at", "heard_at", "idle_until", "leased", "old_at", "open",
        "origin", "streaming", "uses",
    )
    # fmt: on

    def __init__(self, clock: Clock, bounds: Bounds, on_lost: "Callable[[Connection], None]", origin: Origin) -> None:
        self._clock = clock
        self._buffer_bytes = bounds.buffer_bytes
        self._on_lost = on_lost
        self._loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._alarm = Alarm(self._loop, clock, self._ring)
        self._waiter: asyncio.Future[str | None] | None = None
        self._tap: Callable[[], None] | None = None
        self._paused = False
        self.answer = Hearing(bounds)
        self.origin = origin
        self.old_at = clock.monotonic() + bounds.age_s
        """When it has served long enough."""
        self.idle_until = inf
        self.head_at = self.heard_at = 0.0
        """When the head was complete, and when something was heard for the last time."""
        self.uses = 0
        self.open = self.busy = self.leased = self.streaming = False

    # an exchange

    def begin(self, said: Pieces, patience: Patience, want: int, now: float) -> "asyncio.Future[str | None]":
        """What `arrive` says, to be waited for."""
        self.answer.start()
        self._patience = patience
        self._want = want
        self.busy = True
        self.head_at = 0.0
        self.uses += 1
        self._watch(now + patience.first_byte_s, "upstream_timeout", now)
        self._waiter = waiter = self._loop.create_future()
        if len(said[-1]) <= JOINED_BYTES:
            self._transport.write(b"".join(said))
        else:
            self._transport.writelines((b"".join(said[:-1]), said[-1]))
        return waiter

    async def arrive(self, want: int) -> str | None:
        """Wait for more of the body, or for its end; a code says why it will not come.

        The silence of a stream is counted while somebody listens, and only then.
        """
        exchange, answer = self.uses, self.answer
        if answer.complete or self._there(want):
            return None
        if answer.fault is not None:
            return answer.fault
        if want == WHOLE or answer.size:
            self._resume()
            self._watch_silence(self._clock.monotonic())
        self._want = want
        waiter: asyncio.Future[str | None] = self._loop.create_future()
        self._waiter = waiter
        try:
            return await waiter
        finally:
            if want == DATA and self.busy and self.uses == exchange:
                self._watch_no_more()

    def stream(self) -> None:
        """From here on the body is taken as it comes, and has no end by size."""
        self.streaming = True
        self.answer.unbounded()

    def tap(self, told: Callable[[], None]) -> None:
        """From here on `told` is called, at once, whenever there may be more to take, or nothing more will come.

        What `arrive` does, without a wake-up for each piece; silence is counted, and looked at when it may be over.
        """
        self._tap = told
        self.heard_at = self._clock.monotonic()
        self._watch_silence(self.heard_at)

    def untap(self) -> None:
        """Nobody listens for a while, as after `arrive`."""
        self._tap = None
        self._watch_no_more()

    def take(self) -> bytes:
        """What has been heard of the body and not been taken."""
        data = self.answer.take()
        if self._paused:
            self._resume()
        return data

    def finish(self) -> bool:
        """The exchange is over, at its end or not; tells whether the connection is good for another."""
        answer = self.answer
        self.busy = self.streaming = False
        self._alarm.at = inf
        if not answer.complete or answer.body or self._waiter is not None or self._tap is not None:
            self._break_off()
        return answer.keep and self.open and not self._paused and self._transport.get_write_buffer_size() == 0

    @property
    def stale(self) -> bool:
        """It had been idle, and was closed before it said anything: the other side had hung up already."""
        return self.uses > 1 and not self.answer.heard and self.answer.fault == RESET

    def fail(self, code: str) -> None:
        """Nothing more will be heard, because of this."""
        self.answer.fail(code)
        self._wake()
        self.abort()

    def abort(self) -> None:
        if self.open:
            self.open = False
            self._transport.abort()
        self._alarm.stop()

    # what the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        answer = self.answer
        answer.feed(data)
        now = self.heard_at = self._clock.monotonic()
        if self._tap is not None and answer.fault is None:
            self._tap()
            return
        if not self.head_at and answer.head is not None:
            self.head_at = now
        if answer.complete:
            waiter = self._waiter
            if waiter is not None:
                self._waiter = None
                if not waiter.done():
                    waiter.set_result(None)
            elif not self.busy:
                self.abort()
        elif answer.fault is not None:
            self.fail(answer.fault)
        else:
            self._listen_on(now)

    def eof_received(self) -> None:
        self._gone(clean=True)
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone(clean=exc is None)
        self.answer.forget()
        self._on_lost(self)

    # inside

    def _there(self, want: int) -> bool:
        """As far as wanted, although the answer is not complete."""
        answer = self.answer
        return bool(answer.body) if want == DATA else want == HEAD and answer.head is not None and answer.fault is None

    def _break_off(self) -> None:
        """Of what has not been taken, nothing is wanted any more."""
        self.answer.body = []
        if not self.answer.complete:
            self.answer.fail(INCOMPLETE)
        self._wake()
        self._tap = None

    def _listen_on(self, now: float) -> None:
        """More is to come."""
        if self._there(self._want):
            self._wake()
        if self._want == WHOLE:
            if self.head_at:
                self._watch_silence(now)
        elif self.answer.buffered > self._buffer_bytes and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _gone(self, *, clean: bool) -> None:
        self.open = False
        self._alarm.stop()
        self.answer.hang_up(clean=clean)
        self._wake()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        """Whoever waits has what they wanted, or will never get it."""
        waiter, answer = self._waiter, self.answer
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None if answer.complete or self._there(self._want) else answer.fault)
        if self._tap is not None:
            self._tap()

    def _watch_silence(self, now: float) -> None:
        self._watch(now + self._patience.idle_s, "upstream_stalled", now)

    def _watch_no_more(self) -> None:
        """But for the time that the request has."""
        self._why = "deadline_exceeded"
        self._alarm.at = self._patience.until

    def _watch(self, until: float, why: str, now: float) -> None:
        """Fail with `why` at that time, or earlier when the time for the request is over."""
        if until >= self._patience.until:
            until, why = self._patience.until, "deadline_exceeded"
        self._why = why
        alarm = self._alarm
        alarm.at = until
        if until < alarm.timer_at:
            alarm.hurry(now)

    def _ring(self) -> None:
        if self._tap is not None and self.heard_at + self._patience.idle_s > self._alarm.at < self._patience.until:
            now = self._clock.monotonic()
            self._watch(self.heard_at + self._patience.idle_s, "upstream_stalled", now)
        elif self.streaming and self.answer.size and self._why == "upstream_timeout":
            self._watch(inf, "", self._clock.monotonic())  # it did begin to answer; nobody has come to read it yet
        else:
            self.fail(self._why)
