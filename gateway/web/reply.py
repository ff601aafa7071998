"""One response on its way: its head is sent once, and whatever fails afterwards is still told."""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator

from msgspec import Struct

from gateway.domain.answer import Answer, Chunk
from gateway.domain.trail import Failure
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.exchange import Opened
from gateway.flow.gateway import Gateway
from gateway.flow.receipt import Receipt
from gateway.flow.replay import Told
from gateway.web.answer import (
    EVENTS,
    JSON,
    OURSELVES,
    config_line,
    first_lines,
    head_of,
    refusal_pairs,
    send_start,
    send_whole,
)
from gateway.web.door import Send
from gateway.web.head import Lines, joined, lines_of
from gateway.web.once import AGAIN, Once
from gateway.web.pulse import Pulse
from gateway.web.surface import Surface, Writer

SHUTDOWN = Failure(kind="transient", code="server_shutdown", message="The gateway is shutting down.", blame="nobody")
OURS = Failure(kind="transient", code="internal_error", message="The gateway failed.", blame="nobody")
GONE = Failure(kind="bad_request", code="client_closed", message="The caller left.", blame="nobody")


class Reply(Struct, eq=False):
    """Knows whether the head is out; a refusal before it is a status, one after it is an event."""

    gateway: Gateway
    visit: Visit
    surface: Surface
    send: Send
    writer: Writer | None = None
    """Of the stream that is told, once it is one."""
    status: int = 0
    receipt: Receipt | None = None
    """Of the call that is answered, once it is one."""

    def whole(self, receipt: Receipt, answer: Answer, once: Once | None = None) -> Awaitable[None] | None:
        """It is in the ledger before the caller can see it; what is returned, if anything, has yet to be awaited."""
        surface = self.surface
        body = surface.whole(receipt, answer)
        if receipt.said is not None:
            receipt.said.append(body)
        receipt.close()
        told = surface.lines(receipt, JSON)
        if once is not None:
            once.finish(200, told, body)
        return self._say(200, told, body)

    async def again(self, told: Told) -> None:
        """What was answered before, under an id of its own."""
        lines = joined(config_line(self.visit.snapshot.digest), lines_of(told.headers), AGAIN)
        await self._tell(told.status, lines, told.body)

    async def alone(self, body: bytes) -> None:
        """An answer that took no provider."""
        await self._tell(200, joined(first_lines(JSON, self.visit.snapshot.digest), OURSELVES), body)

    async def stream(self, receipt: Receipt, opened: Opened) -> None:
        """Chunks as they come, then the end of the stream, or the error that broke it."""
        self.writer = writer = self.surface.writer(receipt)
        failure: Failure | None = OURS
        pulse = Pulse(self.send, self.surface.keepalive)
        telling = Telling(writer, pulse, receipt.said)
        interrupt = Interrupt()
        self.gateway.open_streams.add(interrupt)
        try:
            await self._begin(receipt)
            with interrupt.allowed():
                while not await opened.shown.pour(telling.pass_on):
                    await pulse.heard()
            failure = SHUTDOWN if interrupt.called else opened.shown.failure
            receipt.stream_over(failure)
            opened.end(failure)
            receipt.close()
            last = writer.done() if failure is None else writer.broken(broken_off(failure, receipt))
            await self.send({"type": "http.response.body", "body": last})
        except asyncio.CancelledError:
            failure = GONE
            raise
        finally:
            self.gateway.open_streams.discard(interrupt)
            pulse.stop()
            opened.end(failure)
            receipt.stream_over(failure)

    def status_of(self, error: RequestError) -> int:
        return self.surface.status(error, self.visit)

    async def refuse(self, error: RequestError) -> None:
        if self.writer is not None:
            await self.send({"type": "http.response.body", "body": self.writer.broken(error)})
            return
        pairs = refusal_pairs(error)
        if error.kind == "method_not_allowed":
            pairs.append((b"allow", b"POST"))
        told = joined(config_line(self.visit.snapshot.digest), lines_of(pairs))
        await self._tell(self.status_of(error), told, self.surface.refusal(error, self.visit))

    async def _tell(self, status: int, told: Lines, body: bytes) -> None:
        late = self._say(status, told, body)
        if late is not None:
            await late

    def _say(self, status: int, told: Lines, body: bytes) -> Awaitable[None] | None:
        self.status = status
        return send_whole(self.send, status, self._head(told, len(body)), body)

    def _head(self, told: Lines, size: int | None = None) -> Lines:
        everywhere = self.surface.everywhere
        if everywhere is not None:
            told = joined(everywhere(self.visit), told)
        return head_of(self.gateway, self.visit, told, size)

    async def _begin(self, receipt: Receipt) -> None:
        self.status = 200
        await send_start(self.send, 200, self._head(self.surface.lines(receipt, EVENTS)))


class Telling:
    """Chunks as frames to the caller, and into the record of those who keep what was said."""

    __slots__ = ("_pulse", "_said", "_writer")

    def __init__(self, writer: Writer, pulse: Pulse, said: list[bytes] | None) -> None:
        self._writer = writer
        self._pulse = pulse
        self._said = said

    def pass_on(self, chunks: list[Chunk]) -> bool:
        frames = self._writer.frames(chunks)
        if self._said is not None:
            self._said.append(frames)
        return self._pulse.say(frames)


class Interrupt:
    """Breaks one stream off from outside, so that its own code can still say a last word."""

    __slots__ = ("_open", "_work", "called")

    def __init__(self) -> None:
        self._work = asyncio.current_task()
        self._open = False
        self.called = False

    def __call__(self) -> None:
        if self._open and not self.called and self._work is not None:
            self.called = True
            self._work.cancel()

    @contextlib.contextmanager
    def allowed(self) -> Iterator[None]:
        """Inside, a call ends the work quietly."""
        self._open = True
        try:
            yield
        except asyncio.CancelledError:
            if not self.called or self._work is None:
                raise
            self._work.uncancel()
        finally:
            self._open = False


def broken_off(failure: Failure, receipt: Receipt) -> RequestError:
    """What a caller hears when a stream ends before its time."""
    provider = receipt.step.offer.provider if receipt.step else None
    return RequestError("provider_failed", failure.code, failure.message, provider=provider)
