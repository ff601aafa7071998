"""Our side of a connection under an application that misbehaves, and under a caller who never stops asking."""

import asyncio
import contextlib
import gc
import re
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from gateway.cli.http_protocol import GuardedProtocol
from gateway.cli.server import Beside
from gateway.web.answer import send_start, send_whole
from gateway.web.head import joined, lines_of
from tests.faults.world import until

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
FLOOD = 64 * 1024 * 1024
"""Far more than the buffers of two sockets hold."""


@contextlib.contextmanager
def served(app: Callable[..., Any]) -> Iterator[socket.socket]:
    """A caller connected to a server that runs this application."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=GuardedProtocol, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = Beside(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        with socket.create_connection(listening.getsockname(), timeout=20) as caller:
            yield caller
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.mark.parametrize("value", [b"one\r\nx-two: 2", b"one\nx-two: 2", b"a\0b"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_head_that_cannot_be_written_is_a_500_and_says_nothing_else(value: bytes) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-one", value)]})

    with served(app) as caller:
        caller.sendall(ASK)
        got = b""
        while data := caller.recv(65536):
            got += data
    assert got.startswith(b"HTTP/1.1 500 ")
    assert b"x-two" not in got


def test_a_caller_who_only_asks_is_not_read_while_an_answer_is_under_way() -> None:
    may_answer = threading.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.to_thread(may_answer.wait)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    with served(app) as caller:
        caller.settimeout(1.0)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < FLOOD:
                sent += caller.send(ASK * 1000)
        may_answer.set()
        caller.settimeout(20)
        got = caller.recv(65536)
    assert sent < FLOOD
    assert got.startswith(b"HTTP/1.1 200 ")


POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
LEFT_BEHIND = {
    "nothing": b"",
    "an answered request": POST + b"hello",
    "several": (POST + b"hello") * 3,
    "half a head": POST + b"hello" + POST[:30],
    "half a body": POST + b"he",
    "a body that nobody read": b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 60_000,
    "an offer to upgrade": POST.replace(b"Host", b"Connection: Upgrade\r\nUpgrade: h2c\r\nHost") + b"he",
}


async def reading(scope: Any, receive: Any, send: Any) -> None:
    more = scope["path"] != "/unread"
    while more:
        message = await receive()
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[GuardedProtocol]]:
    """Those that were made."""
    found: list[weakref.ref[GuardedProtocol]] = []
    made = GuardedProtocol.connection_made

    def noted(self: GuardedProtocol, transport: Any) -> None:
        found.append(weakref.ref(self))
        made(self, transport)

    monkeypatch.setattr(GuardedProtocol, "connection_made", noted)
    return found


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("sent", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_a_connection_that_is_over_leaves_nothing_to_the_collector(
    sent: bytes, connections: list[weakref.ref[GuardedProtocol]]
) -> None:
    with served(reading) as caller:
        caller.sendall(sent)
        if sent and not sent.endswith(b"\nhe"):
            assert caller.recv(65536)
        until(lambda: connections, 5.0)
        caller.close()
        assert until(lambda: all(one() is None for one in connections), 5.0)


def test_a_body_that_nobody_read_is_not_kept_behind_its_answer(
    connections: list[weakref.ref[GuardedProtocol]],
) -> None:
    with served(reading) as caller:
        caller.sendall(LEFT_BEHIND["a body that nobody read"])
        assert caller.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection = connections[0]()
        assert connection is not None
        assert until(lambda: connection.cycle and connection.cycle.over)
        assert connection.cycle is not None
        assert connection.cycle._parts == []


HEAD = lines_of([(b"content-type", b"text/plain"), (b"x-one", b"1: 2")])
SIZED = joined(HEAD, lines_of([(b"content-length", b"2")]))


async def in_one(send: Any) -> None:
    assert send_whole(send, 200, SIZED, b"ok") is None


async def in_pieces(send: Any) -> None:
    await send_start(send, 200, HEAD)
    for piece in (b"o", b"k"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


def by_messages(send: Any) -> Any:
    """As servers give it that have no shorter ways."""

    async def plain(message: Any) -> None:
        await send(message)

    return plain


async def in_one_by_messages(send: Any) -> None:
    late = send_whole(by_messages(send), 200, SIZED, b"ok")
    assert late is not None
    await late


WAYS: dict[str, Callable[[Any], Any]] = {"/in-one": in_one, "/in-pieces": in_pieces}
REQUESTS = (b"GET %b HTTP/1.1", b"HEAD %b HTTP/1.1", b"GET %b HTTP/1.0")


def test_the_shorter_ways_write_what_messages_write() -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["query_string"] != b"by-messages":
            await WAYS[scope["path"]](send)
        elif scope["path"] == "/in-one":
            await in_one_by_messages(send)
        else:
            await in_pieces(by_messages(send))

    with served(app) as caller:
        for request in REQUESTS:
            for path in WAYS:
                short = answer_to(caller, request % path.encode())
                assert short.startswith(b"HTTP/1.1 200 OK\r\n")
                assert short == answer_to(caller, request % f"{path}?by-messages".encode())


def answer_to(caller: socket.socket, request_line: bytes) -> bytes:
    with socket.create_connection(caller.getpeername(), timeout=20) as other:
        other.sendall(b"%b\r\nHost: x\r\nConnection: close\r\n\r\n" % request_line)
        got = b""
        while data := other.recv(65536):
            got += data
    return re.sub(rb"date: .*\r\n", b"", got)
