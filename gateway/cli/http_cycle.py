"""One request on a connection, and the response to it: as ASGI wants them, and with shorter ways for who asks."""

import asyncio
import logging
import math
from collections.abc import Callable, MutableMapping
from typing import Any, ClassVar, Literal, Protocol

from msgspec import Struct

from gateway.cli.http_flow import Flow
from gateway.cli.http_top import Tops
from gateway.web.head import NO_LINES, Lines, Pairs, joined, lines_of

LOG = logging.getLogger("uvicorn.error")

HIGH_WATER_BYTES = 64 * 1024
"""More than this of a body is not read before somebody asks for it."""

Scope = MutableMapping[str, Any]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = (b"connection", b"close")
LAST = lines_of([CLOSE]) + b"\r\n"
CHUNKED = lines_of([(b"transfer-encoding", b"chunked")])
FAILED = lines_of([(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"21")])
TOPS = Tops()
UNTIL_CLOSED = math.inf
"""What is left of a body whose end is that of the connection, for callers who do not know pieces."""
BODILESS = frozenset({204, 304})


class Host(Protocol):
    """The connection, as a cycle sees it."""

    transport: asyncio.Transport
    forget: Callable[["asyncio.Task[None]"], None]
    """Called when the application has returned."""

    def pairs(self) -> Pairs:
        """What stands in every head."""

    def answered(self) -> None:
        """The response is out."""

    def read_on(self) -> None:
        """There is room for more of the request."""


class Cycle(Struct, eq=False):
    """`receive` and `send` for the application; `take`, `whole`, `start`, `push` and `watch` need no coroutine."""

    is_line: ClassVar[Literal[True]] = True
    """Where `web` looks for those shorter ways."""

    _host: Host
    _flow: Flow
    scope: Scope
    keep_alive: bool = True
    expects_continue: bool = False
    has_all: bool = False
    """The request has arrived to its end."""
    _news: bool = False
    """Something has, since the application last asked."""
    _parts: list[bytes] = []
    _size: int = 0
    task: "asyncio.Task[None] | None" = None
    response_started: bool = False
    response_complete: bool = False
    over: bool = False
    """Answered to its end, and the application has returned."""
    disconnected: bool = False
    _watched: bool = False
    _waiter: "asyncio.Future[None] | None" = None
    _chunked: bool = False
    _left: float = 0
    _pipe: asyncio.Transport | None = None
    """While a body without a length is under way."""

    async def run(self, app: Callable[..., Any]) -> None:
        """The application, and what is owed to a caller whom it left without a response."""
        try:
            await app(self.scope, self.receive, self.send)
        finally:
            if self.task is not None:
                self._host.forget(self.task)
            self.over = self.response_complete
            if not self.response_complete and not self.disconnected:
                self._give_up()

    # the connection tells

    def arrived(self, body: bytes) -> None:
        if self.response_complete:
            return
        self._parts.append(body)
        self._size += len(body)
        if self._size > HIGH_WATER_BYTES:
            self._flow.pause_reading()
        self._wake()

    def arrived_all(self) -> None:
        self.has_all = True
        self._wake()

    def lost(self) -> None:
        self._pipe = None
        if not self.response_complete:
            self.disconnected = True
            self._leave()
        self._wake()

    # shorter ways

    def take(self) -> bytes | None:
        """The whole body where it has arrived; None where it must be waited for."""
        if not self.has_all or self.disconnected:
            return None
        if self._flow.read_paused:
            self._host.read_on()
        parts, self._parts = self._parts, []
        self._size = 0
        self._news = False
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def watch(self) -> "Cycle":
        """From here on the application is cancelled if the caller leaves before the answer."""
        self._watched = True
        if self.disconnected:
            self._leave()
        return self

    def unwatch(self) -> None:
        self._watched = False

    @property
    def left(self) -> bool:
        """The caller did, while they were watched."""
        return self._watched and self.disconnected

    def whole(self, status: int, head: Lines, body: bytes) -> bool:
        """A response with its length in `head`, in one write; False where the reader must be waited for first."""
        if self._flow.write_paused:
            return False
        if not self.disconnected:
            self._write(status, head, b"" if self.scope["method"] == "HEAD" else body)
            self._complete()
        return True

    def start(self, status: int, head: Lines) -> bool:
        """The head of a response without a length; False as above."""
        if self._flow.write_paused:
            return False
        if not self.disconnected:
            self._write(status, joined(head, self._open_end(status)))
        return True

    def push(self, data: bytes) -> bool:
        """A piece of a body without a length; False where the next one should wait, as `send` does."""
        pipe = self._pipe
        if pipe is None or not data:
            return True
        pipe.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        return not self._flow.write_paused

    # ASGI

    async def receive(self) -> Any:
        host = self._host
        if self.expects_continue:
            self.expects_continue = False
            if not host.transport.is_closing():
                host.transport.write(CONTINUE)
        if not self.disconnected and not self.response_complete:
            host.read_on()
            if not self._news:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            self._news = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        parts, self._parts = self._parts, []
        self._size = 0
        return {"type": "http.request", "body": b"".join(parts), "more_body": not self.has_all}

    async def send(self, message: Any) -> None:
        flow = self._flow
        if flow.write_paused and not self.disconnected:
            await flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._start(message["status"], message.get("headers", ()))
        elif self.response_complete:
            raise RuntimeError("the response is complete")
        else:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))

    # inside

    def _leave(self) -> None:
        if self._watched and self.task is not None:
            self.task.cancel()

    def _give_up(self) -> None:
        LOG.error("a request was left without its response")
        if self.response_started:
            self._host.transport.close()
        else:
            self.keep_alive = False
            self._write(500, FAILED, b"" if self.scope["method"] == "HEAD" else b"Internal Server Error")
            self._complete()

    def _start(self, status: int, pairs: Pairs) -> None:
        if CLOSE in pairs:
            self.keep_alive = False
        head = lines_of([pair for pair in pairs if pair != CLOSE])
        length = _length(pairs)
        if length is None:
            head = joined(head, self._open_end(status))
        elif self.scope["method"] != "HEAD":
            self._left = length
        self._write(status, head)

    def _open_end(self, status: int) -> Lines:
        """What a head says of a body whose length nobody knows, if there is one."""
        if self.scope["method"] == "HEAD" or status in BODILESS:
            return NO_LINES
        self._chunked = self.scope["http_version"] != "1.0"
        self._left = 0 if self._chunked else UNTIL_CLOSED
        self._pipe = self._host.transport
        return CHUNKED if self._chunked else NO_LINES

    def _go_on(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            body = b""
        if self._chunked:
            frame = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self._host.transport.write(frame if more else frame + b"0\r\n\r\n")
        elif len(body) > self._left:
            raise RuntimeError("the body is longer than its Content-Length")
        else:
            self._left -= len(body)
            self._host.transport.write(body)
        if not more:
            if 0 < self._left < UNTIL_CLOSED:
                raise RuntimeError("the body is shorter than its Content-Length")
            self._complete()

    def _write(self, status: int, head: Lines, body: bytes = b"") -> None:
        self.response_started = True
        self.expects_continue = False
        host, end = self._host, b"\r\n" if self.keep_alive else LAST
        host.transport.write(b"".join((TOPS.top(status, host.pairs()), head, end, body)))

    def _complete(self) -> None:
        self.response_complete = True
        self._pipe = None
        if self._parts:  # a body that was refused unread
            self._parts = []
        if self._waiter is not None:
            self._wake()
        if not self.keep_alive:
            self._host.transport.close()
        self._host.answered()

    def _wake(self) -> None:
        self._news = True
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _length(pairs: Pairs) -> int | None:
    for name, value in pairs:
        if name == b"content-length":
            return int(value)
    return None
