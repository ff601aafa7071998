"""The server's side of a connection: requests one after the other, each answered in its turn, none of them for ever."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from gateway.cli.http_body import body_parser, head_without_offer
from gateway.cli.http_cycle import Cycle
from gateway.cli.http_flow import Flow
from gateway.cli.http_head import KnownHead, known_head, scope_of
from gateway.cli.http_refusals import MALFORMED, TOO_LARGE
from gateway.web.head import Pairs

HEAD_TIMEOUT_S = 10.0
MAX_HEAD_BYTES = 80 * 1024
WRITE_LIMIT_S = 60.0
HOLD_S = 0.1
"""How long a body may stay behind its head before its request begins without it."""
CHANCES = 4
"""How many heads in a row may differ before nobody waits for one to come again."""

ASGI = {"version": "3.0", "spec_version": "2.3"}


class GuardedProtocol(asyncio.Protocol):
    """Closes connections whose heads dawdle or swell, that say nothing more, and those that do not read.

    One timer a connection looks at the stamps that requests leave behind; arming one for each would cost more.
    """

    head_timeout_s = HEAD_TIMEOUT_S
    write_limit_s = WRITE_LIMIT_S
    hold_s = HOLD_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 uvicorn gives it to every protocol
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop = _loop or asyncio.get_event_loop()
        self.cycle: Cycle | None = None
        """The request that came last."""
        self._running: Cycle | None = None
        """The one that is being answered, or was the last to be."""
        self._app: Callable[..., Any] = config.loaded_app
        self._idle_s: float = config.timeout_keep_alive
        self._state = server_state
        self.forget: Callable[[asyncio.Task[None]], None] = server_state.tasks.discard
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._known: KnownHead | None = None
        """The last head, if it may come again; the parser is not asked about one that does."""
        self._chances = CHANCES
        self._held = b""
        """A head that came again, and what there is of its body: both begin together."""
        self._letting_go: asyncio.TimerHandle | None = None
        self._line_up: deque[Cycle] = deque()
        self._last_words: bytes | None = None
        """Said once every request before it has its answer."""
        self._head_open = True
        self._open = False
        """A request has begun to arrive and has not come to its end."""
        self._silent = 0
        """Bytes of it since it began, or since the last of its body."""
        self._since = 0.0
        """When the head that is open began, or the last answer ended."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.flow = Flow(transport, self.loop, self.write_limit_s)
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._here: dict[str, Any] = {
            "type": "http",
            "asgi": ASGI,
            "server": get_local_addr(transport),
            "client": get_remote_addr(transport),
            "scheme": "https" if is_ssl(transport) else "http",
            "root_path": "",
        }
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self.head_timeout_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._timer.cancel()
        self._let_go()
        for cycle in (self._running, *self._line_up):
            if cycle is not None:
                cycle.lost()
        self.cycle = self._running = None  # nothing that is over refers to itself: a collector would seldom look
        self._line_up.clear()
        del self._parser
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        last = self.cycle
        at_rest = last is not None and last.over and not self._open
        if at_rest and self._known is not None:
            if self._held:
                data, self._held = self._held + data, b""
            body = self._known.body_in(data)
            if body is not None:
                self.cycle = Cycle(self, self.flow, self._known.scope, True, False, True, True, [body])
                self._begin(self.cycle)
                return
            if self._known.begins(data):
                self._hold(data)
                return
        self._parse(data, at_rest=at_rest)

    def _parse(self, data: bytes, *, at_rest: bool) -> None:
        if self._open and self._says_nothing(len(data)):
            self._refuse(TOO_LARGE)
            return
        try:
            self._parser.feed_data(data)
            if at_rest and self._chances:
                self._get_to_know(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_on_without_offer(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(MALFORMED)

    def pause_writing(self) -> None:
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        self.flow.resume_writing()

    def shutdown(self) -> None:
        """Said by the server that is about to close."""
        self._let_go()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.answer_and_close()

    def answer_and_close(self) -> None:
        """From now on every answer is the last one."""
        self._let_go()
        self._known = None
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    # the parser tells

    def on_message_begin(self) -> None:
        self._head_open = self._open = True
        self._silent = 0
        self._since = self.loop.time()
        self._url = b""
        self._headers: Pairs = []
        self._expects_continue = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._expects_continue = True
        self._headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self._head_open = False
        parser = self._parser
        headers, self._headers = self._headers, []  # what comes after the body is no part of the head
        version = parser.get_http_version()
        scope = scope_of(self._here, parser.get_method().decode("ascii"), self._url, version, headers)
        keep_alive = version == "1.1" and parser.should_keep_alive() and not getattr(self._state, "draining", False)
        before = self.cycle
        expects_continue = self._expects_continue and version == "1.1"
        self.cycle = cycle = Cycle(self, self.flow, scope, keep_alive, expects_continue)
        if parser.should_upgrade():  # nothing else is spoken here: the request is answered as it stands
            cycle.keep_alive = False
        if before is None or (before.response_complete and not self._line_up):
            self._begin(cycle)
        else:
            self.flow.pause_reading()
            self._line_up.append(cycle)

    def on_body(self, body: bytes) -> None:
        self._silent = 0
        if self.cycle is not None:
            self.cycle.arrived(body)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():  # it stops at the head of such a request
            return
        self._open = False
        if self.cycle is not None:
            self.cycle.arrived_all()

    # a cycle tells

    def pairs(self) -> Pairs:
        return self._state.default_headers

    def answered(self) -> None:
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        if self._line_up:
            self._begin(self._line_up.popleft())
        elif self._last_words is not None:
            self._end_with(self._last_words)
        elif self.flow.read_paused:
            self.flow.resume_reading()

    def read_on(self) -> None:
        """Nothing is read while requests stand in line: what they take is bounded."""
        if not self._line_up and self._last_words is None:
            self.flow.resume_reading()

    # inside

    def _get_to_know(self, data: bytes) -> None:
        """The head of the request in this piece, if there is one and no other."""
        cycle, known = self.cycle, self._known
        if cycle is None or cycle is not self._running or cycle.over:
            return
        if known is not None and known.used:
            known.used, self._chances = False, CHANCES
        self._chances -= 1
        if cycle.keep_alive and not cycle.expects_continue:
            self._known = known_head(data, cycle.scope) or known

    def _hold(self, data: bytes) -> None:
        self._held = data
        self._letting_go = self._letting_go or self.loop.call_later(self.hold_s, self._let_go)

    def _let_go(self) -> None:
        """What is held begins: one timer for many requests, and no harm to one that was not held for long."""
        held, self._held = self._held, b""
        timer, self._letting_go = self._letting_go, None
        if timer is not None:
            timer.cancel()
        if held:
            self._parse(held, at_rest=False)

    def _begin(self, cycle: Cycle) -> None:
        self._running = cycle
        cycle.task = task = self.loop.create_task(cycle.run(self._app))
        self._state.tasks.add(task)

    def _refuse(self, words: bytes) -> None:
        """What cannot be read ends the connection; requests that came whole before it are answered first."""
        self._head_open = self._open = False
        running = self._running
        if self.cycle is not None and not self.cycle.has_all:
            if not self._line_up:
                self._end_with(b"" if self.cycle.response_started else words)
                return
            self._line_up.pop()
        if running is None or running.response_complete:
            self._end_with(words)
        else:
            self._last_words = words
            self.flow.pause_reading()

    def _end_with(self, words: bytes) -> None:
        self.transport.write(words)
        self.transport.close()

    def _read_on_without_offer(self, body: bytes) -> None:
        """A request that offers another protocol has a body like any other."""
        if self.cycle is not None:
            self._parser = body_parser(self)
            self._parse(head_without_offer(self.cycle.scope["headers"]) + body, at_rest=False)

    def _says_nothing(self, size: int) -> bool:
        """Heads that swell, and so do what stands around the pieces of a body and what follows it."""
        silent = self._silent
        self._silent = silent + size
        return silent > MAX_HEAD_BYTES

    def _look(self) -> None:
        """Whether the connection has waited too long, for the rest of a head or for a next request."""
        if self.transport.is_closing():
            return
        waited_s = self.loop.time() - self._since
        limit_s = self.head_timeout_s if self._head_open else self._idle_s
        busy = bool(self._held) or (self._running is not None and not self._running.response_complete)
        if waited_s >= limit_s and not busy:
            self.transport.close()
            return
        rest_s = self.head_timeout_s - waited_s if self._head_open and not busy else self.head_timeout_s
        self._timer = self.loop.call_later(max(0.001, rest_s), self._look)
