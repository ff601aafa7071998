"""A connection on which the same head comes again and again: the parser is not asked, and nobody can tell."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.cli.http_head import MOST_HELD
from gateway.cli.http_protocol import CHANCES, GuardedProtocol
from gateway.web.door import HEADERS, LANE
from tests.cli.test_http_cycle import served

HEAD = "POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-Request-Id: %s\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK"


def post(body: bytes, name: str = "one", head: str = HEAD) -> bytes:
    return head.encode() % (len(body), name.encode()) + body


class Lane:
    """Answers with the body it was sent, the length it was told of, and what it knows the scope by."""

    def __init__(self, begun: Callable[[], None] = lambda: None, *, marks: bool = True) -> None:
        self.scopes: list[int] = []
        self._begun = begun
        self._marks = marks
        self._kept: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._begun()
        self._kept.append(scope)
        self.scopes.append(id(scope))
        if LANE not in scope:
            scope[HEADERS] = dict(scope["headers"])
            if self._marks:
                scope[LANE] = self
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        said = dict(scope["headers"]).get(b"content-length", b"-")
        assert said == scope[HEADERS].get(b"content-length", b"-")
        said += b" " + scope[HEADERS].get(b"x-request-id", b"-") + b" " + body
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
        await send({"type": "http.response.body", "body": said})

    @property
    def told_apart(self) -> int:
        """How many scopes were made."""
        return len(set(self.scopes))


def answer(caller: socket.socket) -> bytes:
    """The body of the next answer."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += more(caller)
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(ANSWER), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += more(caller)
    assert len(body) == length, "nothing was said that nobody asked for"
    return body


def more(caller: socket.socket) -> bytes:
    data = caller.recv(65536)
    assert data, "the connection was closed"
    return data


def asked(caller: socket.socket, *pieces: bytes) -> bytes:
    for piece in pieces:
        caller.sendall(piece)
        if piece is not pieces[-1]:
            asyncio.run(asyncio.sleep(0.02))
    return answer(caller)


@pytest.fixture
def lane() -> Lane:
    return Lane()


@pytest.fixture
def caller(lane: Lane) -> Iterator[socket.socket]:
    """One whose head is known by now: a first request is not remembered, a second is."""
    with served(lane) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            assert asked(one, post(b"hello")) == b"5 one hello"
        yield one


def test_the_scope_serves_again_with_the_length_that_is_said(lane: Lane, caller: socket.socket) -> None:
    for body in (b"hello", b"x" * 1000, b"", b"hi"):
        assert asked(caller, post(body)) == b"%d one %b" % (len(body), body)
    assert lane.told_apart == 2


def test_a_scope_without_a_mark_serves_once() -> None:
    lane = Lane(marks=False)
    with served(lane) as caller:
        for _ in range(5):
            assert asked(caller, post(b"hello")) == b"5 one hello"
    assert lane.told_apart == 5


@pytest.mark.parametrize("cut", [1, 17, 60, -6, -5, -1])
def test_in_two_pieces_it_is_read_as_ever(lane: Lane, caller: socket.socket, cut: int) -> None:
    whole = post(b"hello")
    assert asked(caller, whole[:cut], whole[cut:]) == b"5 one hello"
    assert asked(caller, whole) == b"5 one hello"
    assert asked(caller, post(b"hi")) == b"2 one hi"


@pytest.mark.parametrize("learnt", ["in one piece", "in two"])
def test_a_body_that_follows_its_head_begins_with_it(learnt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "hold_s", 60.0)
    lane = Lane()
    with served(lane) as caller:
        for body in (b"hello", b"hello", b"x" * 1000, b"hi", b"again"):
            whole = post(body)
            at = len(whole) - len(body)
            pieces = (whole,) if learnt == "in one piece" and lane.told_apart < 2 else (whole[:at], whole[at:])
            assert asked(caller, *pieces) == b"%d one %b" % (len(body), body)
    assert lane.told_apart == 2


def test_a_body_may_come_byte_by_byte(lane: Lane, caller: socket.socket) -> None:
    whole = post(b"hello")
    assert asked(caller, whole[:-5], *(whole[index : index + 1] for index in range(len(whole) - 5, len(whole)))) == (
        b"5 one hello"
    )


def test_a_body_that_stays_behind_is_waited_for_by_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "hold_s", 0.001)
    begun = threading.Event()
    lane = Lane(begun.set)
    with served(lane) as caller:
        for _ in range(3):
            assert asked(caller, post(b"hello")) == b"5 one hello"
        begun.clear()
        caller.sendall(post(b"hello")[:-4])
        assert begun.wait(10), "it has begun without its body"
        assert asked(caller, b"ello") == b"5 one hello"
        assert asked(caller, post(b"hi")) == b"2 one hi"


def test_a_large_body_is_not_held() -> None:
    begun = threading.Event()
    lane = Lane(begun.set)
    body = b"x" * (MOST_HELD + 1)
    with served(lane) as caller:
        for _ in range(3):
            assert asked(caller, post(b"hello")) == b"5 one hello"
        begun.clear()
        caller.sendall(post(body)[:300])
        assert begun.wait(10)
        assert asked(caller, post(body)[300:]) == b"%d one %b" % (len(body), body)


def test_a_caller_who_leaves_behind_a_head_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "hold_s", 60.0)
    begun = threading.Event()
    lane = Lane(begun.set)
    with served(lane) as caller:
        for _ in range(3):
            assert asked(caller, post(b"hello")) == b"5 one hello"
        begun.clear()
        caller.sendall(post(b"hello")[:-5])
        caller.shutdown(socket.SHUT_RDWR)
        assert begun.wait(10)


def test_two_bodies_behind_one_head_are_two_requests_or_none(lane: Lane, caller: socket.socket) -> None:
    whole = post(b"hello")
    caller.sendall(whole[:-5])
    asyncio.run(asyncio.sleep(0.02))
    caller.sendall(b"hello" + whole)
    got = b""
    while got.count(b"5 one hello") < 2:
        got += more(caller)
    assert got.count(ANSWER) == 2


def test_what_is_held_when_the_server_ends_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "hold_s", 60.0)
    connections: list[GuardedProtocol] = []
    made = GuardedProtocol.connection_made

    def noted(self: GuardedProtocol, transport: Any) -> None:
        connections.append(self)
        made(self, transport)

    monkeypatch.setattr(GuardedProtocol, "connection_made", noted)
    lane = Lane()
    with served(lane) as caller:
        for _ in range(3):
            assert asked(caller, post(b"hello")) == b"5 one hello"
        caller.sendall(post(b"hello")[:-5])
        asyncio.run(asyncio.sleep(0.02))
        connections[0].loop.call_soon_threadsafe(connections[0].shutdown)
        asyncio.run(asyncio.sleep(0.02))
        assert asked(caller, b"hello") == b"5 one hello"
        assert caller.recv(10) == b""


def test_two_in_one_piece_are_two(lane: Lane, caller: socket.socket) -> None:
    caller.sendall(post(b"hello") + post(b"hi"))
    got = b""
    while not got.endswith(b"2 one hi"):
        got += more(caller)
    assert got.count(ANSWER) == 2
    assert b"5 one hello" in got
    assert asked(caller, post(b"again")) == b"5 one again"


def test_half_of_the_next_request_is_waited_for(lane: Lane, caller: socket.socket) -> None:
    following = post(b"second")
    assert asked(caller, post(b"first") + following[:40]) == b"5 one first"
    assert asked(caller, following[40:]) == b"6 one second"
    assert asked(caller, post(b"third")) == b"5 one third"


def test_a_second_request_before_the_first_is_answered_waits_for_its_turn(lane: Lane, caller: socket.socket) -> None:
    for number in range(20):
        caller.sendall(post(b"%d" % number))
    got = b""
    while got.count(ANSWER) < 20 or not got.endswith(b"2 one 19"):
        got += more(caller)
    assert [got.find(b"one %d" % number) for number in range(20)] == sorted(
        got.find(b"one %d" % number) for number in range(20)
    )


def test_another_head_is_another_request(lane: Lane, caller: socket.socket) -> None:
    assert asked(caller, post(b"hello", "two")) == b"5 two hello"
    assert asked(caller, post(b"hello", "one")) == b"5 one hello"
    assert lane.told_apart == 4


OTHERS: dict[str, Callable[[], bytes]] = {
    "another path": lambda: post(b"hello").replace(b"/v1/chat", b"/v1/ch4t", 1),
    "one header more": lambda: post(b"hello").replace(b"\r\n\r\n", b"\r\nX-More: 1\r\n\r\n", 1),
    "written in lower case": lambda: post(b"hello").replace(b"Host", b"host", 1),
    "who waits to be told": lambda: post(b"hello").replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n", 1),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_whatever_differs_is_parsed(lane: Lane, caller: socket.socket, other: Callable[[], bytes]) -> None:
    for _ in range(2):
        assert asked(caller, other()) == b"5 one hello"
        assert asked(caller, post(b"hello")) == b"5 one hello"
    assert lane.told_apart == 6


def test_another_method_has_a_scope_of_its_own(lane: Lane, caller: socket.socket) -> None:
    for _ in range(2):
        assert asked(caller, post(b"hello").replace(b"POST", b"PUT", 1)) == b"5 one hello"
        assert asked(caller, post(b"hello")) == b"5 one hello"
    assert lane.told_apart == 4


def test_in_between_the_parser_reads_what_it_reads_best(lane: Lane, caller: socket.socket) -> None:
    pieces = b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    for _ in range(3):
        assert asked(caller, pieces) == b"- - hello"
        assert asked(caller, post(b"hello")) == b"5 one hello"
    assert lane.told_apart == 2 + 3


def test_who_expects_to_be_told_to_continue_is_told_each_time(lane: Lane, caller: socket.socket) -> None:
    head = post(b"hello").replace(b"\r\n\r\nhello", b"\r\nExpect: 100-continue\r\n\r\n")
    for _ in range(3):
        caller.sendall(head + b"hello")
        got = b""
        while not got.endswith(b"5 one hello"):
            got += more(caller)
        assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER)
    assert lane.told_apart == 5


def test_garbage_is_refused_as_ever(caller: socket.socket) -> None:
    caller.sendall(b"\x16\x03\x01\x02\x00\r\n\r\n")
    assert more(caller).startswith(b"HTTP/1.1 400 ")
    assert caller.recv(10) == b""


def test_the_last_answer_of_a_connection_ends_it(lane: Lane, caller: socket.socket) -> None:
    assert asked(caller, post(b"hello").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)) == b"5 one hello"
    assert caller.recv(10) == b""


def test_a_connection_that_says_nothing_more_is_closed(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "head_timeout_s", 0.1)
    made = GuardedProtocol.__init__

    def impatient(self: GuardedProtocol, *args: Any, **more: Any) -> None:
        made(self, *args, **more)
        self._idle_s = 0.1

    monkeypatch.setattr(GuardedProtocol, "__init__", impatient)
    with served(lane) as caller:
        for _ in range(4):
            assert asked(caller, post(b"hello")) == b"5 one hello"
        assert caller.recv(10) == b""


def test_who_names_each_request_differently_is_not_remembered_for_ever(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[bytes] = []
    get_to_know = GuardedProtocol._get_to_know

    def watched(self: GuardedProtocol, data: bytes) -> None:
        tried.append(data)
        get_to_know(self, data)

    monkeypatch.setattr(GuardedProtocol, "_get_to_know", watched)
    with served(lane) as caller:
        for number in range(30):
            assert asked(caller, post(b"hello", str(number))) == b"5 %d hello" % number
    assert len(tried) == CHANCES
