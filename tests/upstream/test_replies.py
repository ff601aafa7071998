"""What a provider says, by the id of the fault catalogue, and what becomes of it."""

import asyncio
import time
from typing import Any, NamedTuple

import pytest

from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from gateway.upstream.bounds import Bounds
from tests.upstream.lab import HEADERS, Lab, read_all, run
from tests.wire import HOLE, SCENARIOS, Scripted, Wire, openai_chat, scenario

OK = b"HTTP/1.1 200 OK\r\n"
IN_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
DEFLATED = b"\xcbH\xcd\xc9\xc9\x07\x00"
FAILURES = {
    "U08-reset-after-request": "connection_reset",
    "U08-close-after-request": "connection_reset",
    "U08-reset-inside-head": "connection_reset",
    "U09-close-mid-body": "upstream_incomplete",
    "U09-reset-mid-body": "upstream_incomplete",
    "U09-close-mid-chunked": "upstream_incomplete",
    "U14-redirect": "unexpected_redirect",
    "U14-redirect-permanent": "unexpected_redirect",
    "T02-never-answers": "upstream_timeout",
    "T02-never-ends-its-head": "upstream_timeout",
    "S20-status-0": "malformed_response",
    "S20-status-600": "malformed_response",
    "S20-status-999": "malformed_response",
    "B02-shorter-than-said": "upstream_incomplete",
    "B03-bad-gzip": "bad_encoding",
    "B03-cut-gzip": "upstream_incomplete",
    "B03-gzip-bomb": "response_too_large",
    "E08-stalls": "upstream_stalled",
    "E09-only-comments": "upstream_stalled",
    "E04-reset": "upstream_incomplete",
    "E04-close-mid-event": "upstream_incomplete",
}
NOT_BILLED = {"unexpected_redirect"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_a_whole_reply_or_a_failure_that_says_why(name: str, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(SCENARIOS[name])
        outcome = await lab.send(patience=lab.patience(first_byte_s=0.15, idle_s=0.15))
        if name in FAILURES:
            assert isinstance(outcome, Failure)
            assert outcome.code == FAILURES[name]
            assert outcome.possibly_billed is (outcome.code not in NOT_BILLED)
            assert "127.0.0.1" not in outcome.message
            assert "CANARY" not in repr(outcome)
        else:
            assert isinstance(outcome, Reply)
            assert outcome.status == SCENARIOS[name].status
            assert outcome.first_byte_ms > 0
        after = await lab.reply()
        assert after.status == 200
        assert len(wire.requests) == 2, "nothing is sent twice"

    run(loop, main, wire.url)


def test_what_is_sent_is_what_the_call_says(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply("gpt-4o", path="/v1/chat/completions?api-version=1")
        (seen,) = wire.wait_requests(1)
        head = seen.head.decode()
        assert head.startswith("POST /v1/chat/completions?api-version=1 HTTP/1.1\r\n")
        assert seen.model == "gpt-4o"
        named = dict(seen.headers)
        assert named.pop("User-Agent").startswith("tokenhub/")
        assert named == {
            "Host": f"127.0.0.1:{wire.port}",
            "Accept-Encoding": "identity",
            "Content-Length": str(len(seen.body)),
            **dict(HEADERS),
        }

    run(loop, main, wire.url)


def test_headers_that_are_ours_are_not_sent_twice(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        given = (("host", "elsewhere"), ("Content-Length", "1"), ("transfer-encoding", "chunked"), ("user-agent", "me"))
        await lab.reply(headers=given)
        seen = wire.requests[0]
        names = [name.lower() for name, _ in seen.headers]
        assert sorted(names) == ["accept-encoding", "content-length", "host", "user-agent"]
        assert seen.header("user-agent") == "me"
        assert seen.header("host") == f"127.0.0.1:{wire.port}"

    run(loop, main, wire.url)


def test_other_methods_and_empty_bodies_are_sent(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(Scripted(body={"data": []}))
        reply = await lab.reply(method="GET", path="/v1/models", body=b"")
        assert reply.body == b'{"data": []}'
        assert (wire.requests[0].method, wire.requests[0].header("content-length")) == ("GET", "0")

    run(loop, main, wire.url)


@pytest.mark.parametrize("size", [60_000, 5_000_000])
def test_bodies_of_any_size_are_sent_and_read(size: int, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        sent = b"x" * size
        wire.script(lambda seen: Scripted(body=seen.body[::-1]), always=True)
        for _ in range(2):
            assert (await lab.reply(body=sent)).body == sent
        assert len(wire.connections) == 1

    run(loop, main, wire.url)


def test_a_small_request_is_one_write(loop: str, wire: Wire) -> None:
    """With TCP_NODELAY two writes would be two packets."""

    async def main(lab: Lab) -> None:
        await lab.reply()
        connection = next(iter(next(iter(lab.upstream._pools.values())).connections))
        writes: list[bytes] = []
        transport = connection._transport

        class Counting:
            def __getattr__(self, name: str) -> object:
                return getattr(transport, name)

            def write(self, data: bytes) -> None:
                writes.append(data)
                transport.write(data)

        connection._transport = Counting()  # type: ignore[assignment]
        await lab.reply()
        assert len(writes) == 1

    run(loop, main, wire.url)


class Odd(NamedTuple):
    id: str
    said: Scripted
    status: int
    body: bytes


ODD_BUT_FINE = [
    Odd("close-delimited", openai_chat().but(framing="close"), 200, openai_chat().pieces()[0]),
    Odd("trailers", Scripted(framing="chunked", body=b"hello", split=2, trailers={"X-T": "1"}), 200, b"hello"),
    Odd("HTTP/1.0", Scripted(raw=b"HTTP/1.0 200 OK\r\n\r\nhello", end="close"), 200, b"hello"),
    Odd("no reason phrase", Scripted(reason="", body=b"hi"), 200, b"hi"),
    Odd("a 304 is no body", Scripted(raw=b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"), 204, b""),
    Odd("chunk extensions", Scripted(raw=IN_CHUNKS + b"2;a=b\r\nhi\r\n0\r\n\r\n"), 200, b"hi"),
    Odd("raw deflate", Scripted(headers={"Content-Encoding": "deflate"}, body=DEFLATED), 200, b"hello"),
    Odd("identity", Scripted(headers={"Content-Encoding": "identity"}, body=b"hi"), 200, b"hi"),
    Odd("an error in bad gzip", Scripted(status=429, headers={"Content-Encoding": "gzip"}, body=b"no gzip"), 429, b""),
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_BUT_FINE, ids=lambda odd: odd.id)
@pytest.mark.parametrize("split", [None, 1])
def test_odd_but_legal_answers_are_read_in_any_cuts(odd: Odd, split: int | None, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(odd.said.but(split=split) if odd.said.split is None else odd.said)
        reply = await lab.reply()
        assert (reply.status, reply.body) == (odd.status, odd.body)

    run(loop, main, wire.url)


REFUSED = [
    ("two different lengths", OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"),
    ("length and chunks", OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    ("an unknown transfer coding", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("a signed length", OK + b"Content-Length: +2\r\n\r\nhi"),
    ("a bad chunk size", IN_CHUNKS + b"zz\r\n"),
    ("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"),
    ("a space before the colon", OK + b"Foo : bar\r\n\r\n"),
    ("another protocol", b"220 smtp.example ESMTP\r\n"),
    ("HTTP/2", b"HTTP/2 200\r\n\r\n"),
    ("an upgrade nobody asked for", b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"),
    ("a head without an end", OK + b"X-Pad: 0123456789012345678901234567890123456789\r\n" * 2000),
    ("one endless header", OK + b"X-Pad: " + b"0" * 100_000),
    ("trailers without an end", IN_CHUNKS + b"2\r\nhi\r\n0\r\nX: " + b"0" * 1_000_000),
    ("informational heads without an end", b"HTTP/1.1 100 Continue\r\n\r\n" * 4000),
]  # fmt: skip


@pytest.mark.parametrize("raw", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
@pytest.mark.parametrize("split", [None, 997])
def test_what_is_not_http_is_a_malformed_response(raw: bytes, split: int | None, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(Scripted(raw=raw, split=split))
        assert (await lab.failure()).code == "malformed_response"

    run(loop, main, wire.url)


def test_b04_a_body_over_the_cap_is_not_read_to_its_end(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        said = Scripted(body=b"x" * 100_001)
        wire.script(said, said.but(framing="chunked", split=1000), said.but(framing="close"))
        for _ in range(3):
            assert (await lab.failure()).code == "response_too_large"

    run(loop, main, wire.url, bounds=Bounds(body_bytes=100_000))


def test_s24_of_an_error_only_the_beginning_is_read(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(scenario("S24-huge-error"))
        reply = await lab.reply()
        assert (reply.status, len(reply.body)) == (500, 16 * 1024)
        await asyncio.to_thread(wire.wait_closed, 0)
        assert wire.connections[0].bytes_out < 10_000_000 or wire.connections[0].how == "RST"

    run(loop, main, wire.url)


def test_b03_a_bomb_does_not_hold_the_loop(wire: Wire) -> None:
    """Each step gives at most a megabyte, and lets others run after it."""

    async def main(lab: Lab) -> None:
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        wire.script(scenario("B03-gzip-bomb"))
        assert (await lab.failure()).code == "response_too_large"
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        assert turns > 60

    run("asyncio", main, wire.url)


def test_s13_retry_after_arrives_as_it_was_said(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(scenario("S10"), scenario("S13-retry-after-NaN"))
        assert dict((await lab.reply()).headers)["retry-after"] == "7"
        assert dict((await lab.reply()).headers)["retry-after"] == "NaN"

    run(loop, main, wire.url)


BAD_CALLS: dict[str, dict[str, Any]] = {
    "a line break in a header": {"headers": (("X-A", "b\r\nX-Evil: 1"),)},
    "a line feed in a header": {"headers": (("X-A", "b\nX-Evil: 1"),)},
    "a zero byte in a header": {"headers": (("X-A", "b\0"),)},
    "letters beyond latin": {"headers": (("X-A", "日本"),)},
    "a bad header name": {"headers": (("X A", "b"),)},
    "an empty header name": {"headers": (("", "b"),)},
    "an id that is more than a word": {"request_id": "01\r\nX-Evil"},
    "an id in other letters": {"request_id": "日本"},
    "a line break in the address": {"path": "/v1\r\nX-Evil: 1"},
    "a space in the address": {"path": "/v1/a b"},
    "a letter beyond ASCII in the address": {"path": "/v1/é"},
    "another scheme": {"url": "ftp://127.0.0.1/"},
    "no host": {"url": "http:///v1"},
    "a login in the address": {"url": "http://a:b@127.0.0.1/"},
    "a bad port": {"url": "http://127.0.0.1:99999/"},
    "a bracket that does not close": {"url": "http://[::1/"},
    "a backslash in the host": {"url": "http://127.0.0.1\\@evil/"},
    "a method whose answer has no body": {"method": "HEAD"},
    "a bad method": {"method": "POST /x HTTP/1.1\r\nX: y\r\n\r\nGET"},
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_x07_a_call_that_cannot_be_written_is_not_sent(case: str, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        failure = await lab.failure(**BAD_CALLS[case])
        assert (failure.code, failure.blame, failure.possibly_billed) == ("invalid_call", "nobody", False)
        assert not wire.connections

    run(loop, main, wire.url)


def test_t05_no_call_begins_after_its_deadline(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()
        failure = await lab.failure(patience=lab.patience(until=time.monotonic() - 0.001))
        assert (failure.code, failure.blame, failure.possibly_billed) == ("deadline_exceeded", "nobody", False)
        assert len(wire.requests) == 1

    run(loop, main, wire.url)


@pytest.mark.parametrize("said", [HOLE, scenario("E08"), scenario("U09-close-mid-body").but(end="silent")])
def test_t05_the_deadline_ends_a_call_in_any_phase(said: Scripted, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(said, said)
        failure = await lab.failure(patience=lab.patience(until=time.monotonic() + 0.1))
        assert (failure.code, failure.blame, failure.possibly_billed) == ("deadline_exceeded", "nobody", True)
        stream = await lab.open(patience=lab.patience(until=time.monotonic() + 0.1))
        if not isinstance(stream, Failure | Reply):
            _, ended = await read_all(stream)
            assert ended is not None
            stream = ended
        assert isinstance(stream, Failure)
        assert stream.code == "deadline_exceeded"
        await asyncio.to_thread(wire.wait_all_closed)

    run(loop, main, wire.url)
