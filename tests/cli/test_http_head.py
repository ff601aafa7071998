"""A head that comes again: what is recognised is what the parser would have read, and nothing else."""

from typing import Any

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.http_head import LONGEST_KNOWN, MOST_HELD, KnownHead, known_head
from gateway.web.door import HEADERS, LANE

PLAIN = b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\nAuthorization: Bearer k\r\n\r\n%b"


class Read:
    """All that the parser says of one piece."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.target = self.body = b""
        self.begun = self.ended = 0
        self.keep = self.upgrade = False
        self.fault = False
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fault = True

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.keep = self._parser.should_keep_alive()
        self.upgrade = self._parser.should_upgrade()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ended += 1

    @property
    def is_one_request(self) -> bool:
        return (self.begun, self.ended, self.fault, self.keep, self.upgrade) == (1, 1, False, True, False)


def scope_of(read: Read) -> dict[str, Any]:
    """As our side of the connection and the door leave it."""
    return {"method": "POST", "headers": list(read.headers), HEADERS: dict(read.headers), LANE: object()}


def known_from(data: bytes) -> KnownHead | None:
    read = Read(data)
    return known_head(data, scope_of(read)) if read.is_one_request else None


def request(body: bytes, *more: bytes) -> bytes:
    lines = [b"POST /v1/chat HTTP/1.1", b"Host: x", *more]
    return b"\r\n".join(lines).replace(b"LENGTH", b"%d" % len(body)) + b"\r\n\r\n" + body


def test_another_length_is_told_wherever_headers_are_read() -> None:
    known = known_from(PLAIN % (b"5", b"hello"))
    assert known is not None
    assert known.body_in(PLAIN % (b"12", b"x" * 12)) == b"x" * 12
    assert known.scope["headers"] == [
        (b"host", b"x"), (b"content-length", b"12"), (b"authorization", b"Bearer k")
    ]  # fmt: skip
    assert known.scope[HEADERS][b"content-length"] == b"12"


@pytest.mark.parametrize(
    ("digits", "body"),
    [
        (b"5", b"hell"), (b"5", b"helloo"), (b"+5", b"hello"), (b"-5", b"hello"), (b" 5", b"hello"), (b"5 ", b"hello"),
        (b"0x5", b"hello"), (b"1_0", b"x" * 10), (b"", b""), (b"5,5", b"hello"), (b"5\r\nContent-Length: 5", b"hello"),
        (b"9" * 5000, b"hello"), (b"0" * 9 + b"5", b"hello"), (b"\xb2", b"xx"),
    ],
)  # fmt: skip
def test_any_other_way_to_write_a_length_is_left_to_the_parser(digits: bytes, body: bytes) -> None:
    known = known_from(PLAIN % (b"5", b"hello"))
    assert known is not None
    assert known.body_in(PLAIN % (digits, body)) is None
    assert known.body_in(PLAIN % (b"5", b"hello")) == b"hello"
    assert known.scope[HEADERS][b"content-length"] == b"5"


def test_a_scope_that_nobody_marked_never_serves_again() -> None:
    known = known_from(PLAIN % (b"5", b"hello"))
    assert known is not None
    del known.scope[LANE]
    assert known.body_in(PLAIN % (b"5", b"hello")) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 120) | st.sampled_from([998, 999, 1000, 1001, 9999, 10_000, 99_999, 100_000])))
def test_bodies_of_every_length_follow_each_other(lengths: list[int]) -> None:
    known = known_from(PLAIN % (b"5", b"hello"))
    assert known is not None
    for length in lengths:
        assert known.body_in(PLAIN % (b"%d" % length, b"x" * length)) == b"x" * length
        assert known.scope[HEADERS][b"content-length"] == b"%d" % length
        assert known.body_in(PLAIN % (b"%d" % length, b"x" * (length + 1))) is None


NEVER = {
    "no length": request(b""),
    "in pieces": request(b"5\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"),
    "two lengths": request(b"hello", b"Content-Length: LENGTH", b"Content-Length: LENGTH"),
    "length and pieces": request(b"0\r\n\r\n", b"Content-Length: LENGTH", b"Transfer-Encoding: chunked"),
    "folded": request(b"hello", b"X-One: 1\r\n two", b"Content-Length: LENGTH"),
    "folded length": request(b"hello", b"Content-Length:\r\n LENGTH"),
    "a line that ends by itself": request(b"hello", b"X-One: 1\nX-Two: 2", b"Content-Length: LENGTH"),
    "a length and a space": request(b"hello", b"Content-Length: LENGTH "),
    "a large head": request(b"hello", b"X-Large: " + b"x" * LONGEST_KNOWN, b"Content-Length: LENGTH"),
    "an empty line before": b"\r\n" + request(b"hello", b"Content-Length: LENGTH"),
    "two in one piece": request(b"hello", b"Content-Length: LENGTH") * 2,
    "one and half of the next": request(b"hello", b"Content-Length: LENGTH") + b"POST",
    "a long number": request(b"hello", b"Content-Length: 10000000000"),
    "a number with a zero before it": request(b"hello", b"Content-Length: 05"),
    "half a head": request(b"hello", b"Content-Length: LENGTH")[:40],
}


@pytest.mark.parametrize("data", NEVER.values(), ids=NEVER.keys())
def test_a_head_that_is_not_plain_is_never_known(data: bytes) -> None:
    read = Read(data)
    assert known_head(data, scope_of(read)) is None


@pytest.mark.parametrize("there", [0, 1, 4])
def test_a_head_may_be_known_before_its_body_is_there(there: int) -> None:
    data = PLAIN % (b"5", b"hello")
    data = data[: len(data) - 5 + there]
    known = known_head(data, scope_of(Read(data)))
    assert known is not None
    assert known.body_in(data) is None
    assert known.begins(data)
    assert known.body_in(PLAIN % (b"5", b"hello")) == b"hello"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN % (b"5", b"hello"),
        PLAIN % (b"5", b"hello and more"),
        PLAIN % (b"05", b""),
        PLAIN % (b"+5", b""),
        PLAIN % (b"", b""),
        PLAIN % (b"5 ", b""),
        PLAIN % (b"%d" % (MOST_HELD + 1), b""),
        PLAIN % (b"9" * 5000, b""),
        (PLAIN % (b"5", b""))[:-1],
        (PLAIN % (b"5", b"")).replace(b"Bearer k", b"Bearer l"),
        (PLAIN % (b"5", b"")).replace(b"POST", b"PUT "),
        b"",
    ],
)
def test_nothing_else_is_waited_for(data: bytes) -> None:
    known = known_from(PLAIN % (b"5", b"hello"))
    assert known is not None
    assert not known.begins(data)


def test_a_request_that_is_no_post_is_never_known() -> None:
    data = PLAIN % (b"5", b"hello")
    assert known_head(data, {**scope_of(Read(data)), "method": "PUT"}) is None


NAMES = st.sampled_from([b"X-One", b"Content-Length", b"content-length", b"X-Content-Length", b"Accept", b"Connection"])
VALUES = st.sampled_from([b"1", b"5", b"keep-alive", b"Content-Length: 5", b"", b"a b", b"\xe9", b"5 ", b"\t5"])
GAPS = st.sampled_from([b": ", b":", b":  ", b":\t", b" : "])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\n "])
LINES = st.lists(st.tuples(NAMES, GAPS, VALUES, ENDS), max_size=4)


@settings(max_examples=100, deadline=None)
@given(
    before=LINES,
    after=LINES,
    first=st.binary(max_size=12),
    then=st.binary(max_size=120),
    said=st.sampled_from([None, b"5", b"05", b"+5", b"", b"5\r\n", b"1_0"]),
    cut=st.integers(0, 6),
)
def test_whatever_is_recognised_the_parser_reads_the_same(
    before: Any, after: Any, first: bytes, then: bytes, said: bytes | None, cut: int
) -> None:
    head = b"POST /p?q=1 HTTP/1.1\r\nHost: x\r\n" + b"".join(b"".join(line) for line in before)
    tail = b"\r\n" + b"".join(b"".join(line) for line in after) + b"\r\n"

    def whole(digits: bytes, body: bytes) -> bytes:
        return head + b"Content-Length: " + digits + tail + body

    known = known_from(whole(b"%d" % len(first), first))
    again = whole(b"%d" % len(then) if said is None else said, then)
    again = again[: len(again) - cut] if cut < 3 else again
    body = None if known is None else known.body_in(again)
    if known is not None and body is not None:
        read = Read(again)
        assert read.is_one_request
        assert (read.body, read.headers, read.target) == (body, known.scope["headers"], b"/p?q=1")
        assert known.scope[HEADERS] == dict(read.headers)
    if not before and not after and said is None and not cut:
        assert body == then
