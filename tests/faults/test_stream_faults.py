"""What goes wrong while a stream is under way: the caller always learns whether it came to its end."""

import logging
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli.http_protocol import GuardedProtocol
from gateway.flow import stream as flow_stream
from gateway.web import hot
from gateway.web.openai import ChunkWriter
from tests.faults.world import ALONE, MESSAGES, World, a_world, slug, until
from tests.serving import KEY
from tests.wire import SCENARIOS, Scripted, events, openai_chat, openai_stream
from tests.wire.openai import stream_chunk

APART = {"pace_s": 0.02}
"""Each event travels alone, so that content is out before what comes next goes wrong."""
ERROR = {"error": {"message": "backend down", "type": "server_error", "code": None}}


def broken(world: World, said: Scripted, **more: Any) -> Any:
    """A stream that shows content and then breaks: its last event, after checks that hold for all of them."""
    world.bad.script(said)
    answer = world.chat("b06-empty-content", stream=True, **more)
    assert (answer.status, answer.provider, answer.attempts) == (200, "bad", 1)
    assert answer.content.startswith("Hello")
    assert not answer.done
    assert len(world.bad.requests) == 1, "what was sent is never sent twice"
    assert world.good.requests == []
    error = answer.events[-1]["error"]
    record = world.record_of(answer)
    assert (record["status"], record["outcome"], record["error"]) == (200, "settled", error["code"])
    assert record["output_tokens"] > 0, "tokens so far are charged"
    return error


BREAKS: dict[str, tuple[Callable[[], Scripted], str]] = {
    "E03-error-after-content": (lambda: SCENARIOS["E03-error-after-content"].but(**APART), "upstream_error"),
    "E04-ends-without-finish": (lambda: SCENARIOS["E04-ends-without-finish"].but(**APART), "upstream_incomplete"),
    "E04-reset": (lambda: openai_stream(["Hello"] * 40, end="reset", cut_after=900, **APART), "upstream_incomplete"),
    "E04-close": (lambda: openai_stream(["Hello"] * 40, end="close", cut_after=900, **APART), "upstream_incomplete"),
    "E08-stalls": (lambda: SCENARIOS["E08-stalls"], "upstream_stalled"),
    "E14-endless-line": (
        lambda: events([stream_chunk({"content": "Hello"}), b"data: " + b"x" * 2_000_000], done=False, **APART),
        "event_too_large",
    ),
    "E17-bad-json": (lambda: events([stream_chunk({"content": "Hello"}), "{not json"], **APART), "malformed_response"),
    "E32-error-with-usage": (lambda: SCENARIOS["E32-error-with-usage"].but(**APART), "upstream_error"),
}


@pytest.mark.parametrize(("name", "row"), BREAKS.items(), ids=BREAKS)
def test_n32_a_stream_that_breaks_after_content_ends_with_an_error_and_without_done(
    world: World, name: str, row: tuple[Callable[[], Scripted], str]
) -> None:
    said, code = row
    error = broken(world, said())
    assert (error["code"], error["type"], error["provider"]) == (code, "provider_error", "bad")


def test_e32_usage_that_came_with_the_error_is_counted(world: World) -> None:
    world.bad.script(SCENARIOS["E32-error-with-usage"].but(**APART))
    record = world.record_of(world.chat("b06-empty-content", stream=True))
    assert (record["input_tokens"], record["output_tokens"], record["usage_estimated"]) == (10, 5, False)


FALLS = {
    "E01-error-status": lambda: Scripted(status=500, body=b"{}"),
    "E02-first-event-is-an-error": lambda: SCENARIOS["E02-first-event-is-an-error"],
    "E04-ends-with-nothing": lambda: SCENARIOS["E04-ends-with-nothing"],
    "E08-stalls-before-content": lambda: openai_stream(stall_after=1),
    "E09-only-comments": lambda: SCENARIOS["E09-only-comments"],
    "E14-endless-first-line": lambda: SCENARIOS["E14-endless-line"],
    "E17-bad-json-first": lambda: events(["{not json"]),
}


@pytest.mark.parametrize("said", FALLS.values(), ids=FALLS)
def test_a_stream_that_fails_before_content_falls_back_unseen(world: World, said: Callable[[], Scripted]) -> None:
    world.bad.script(said(), always=True)
    answer = world.chat("b06-empty-content", stream=True)
    assert (answer.status, answer.provider, answer.content, answer.done) == (200, "good", "Hello there!", True)


SERVES = {
    "E05-no-done": "Hello there!",
    "E06-done-without-finish": "Hello there!",
    "E07-bytes-after-done": "hi",
    "E10-every-byte-alone": "日本語 🎉",
    "E11-cr": "Hello there!",
    "E11-crlf": "Hello there!",
    "E11-crlf-cut": "Hello there!",
    "E12-separators": "a\u2028bc\u2029de\x85fg\x0bh\x0ci",
    "E13-odd-but-legal": "Hello there!",
    "E15-many-tiny-events": "a" * 2000,
    "E16-json-instead": "Hello there!",
    "E18-no-usage": "Hello there!",
    "E27-two-choices": "abcd",
    "E29-think-cut": "<think>hidden</think>shown",
}


@pytest.mark.parametrize(("name", "content"), SERVES.items(), ids=SERVES)
def test_odd_streams_arrive_whole_and_end_with_done(world: World, name: str, content: str) -> None:
    answer = world.chat(slug(name), stream=True)
    assert (answer.status, answer.provider, answer.attempts) == (200, "bad", 1)
    assert answer.content == content
    assert answer.done
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers
    assert len({event["id"] for event in answer.events[:-1]}) == 1


def test_e18_c47_usage_is_asked_for_and_estimated_where_it_is_missing(world: World) -> None:
    silent = world.chat(slug("E18-no-usage"), stream=True)
    assert all(event["choices"] for event in silent.events[:-1])
    assert world.bad.requests[-1].json["stream_options"] == {"include_usage": True}
    assert world.record_of(silent)["usage_estimated"] is True
    told = world.chat(slug("E18-no-usage"), stream=True, stream_options={"include_usage": True})
    assert told.events[-2]["choices"] == []
    assert told.events[-2]["usage"]["total_tokens"] > 0


def test_e19_the_usage_chunk_goes_to_those_who_asked(world: World) -> None:
    assert all(event["choices"] for event in world.chat("safe", stream=True).events[:-1])
    told = world.chat("safe", stream=True, stream_options={"include_usage": True})
    assert told.events[-2]["usage"]["total_tokens"] == 15


def test_e29_thoughts_are_taken_out_where_that_is_wanted(world: World) -> None:
    answer = world.policy(slug("E29-think-cut"), stream=True, output_format={"type": "text", "strip_think": True})
    assert answer.content == "shown"


def test_e09_signs_of_life_are_no_progress(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_stream, "PROGRESS_S", 0.2)
    pings = [stream_chunk({"content": "Hello"}), *[b": ping\n\n"] * 400]
    assert broken(world, events(pings, done=False, **APART))["code"] == "upstream_stalled"
    monkeypatch.setattr(flow_stream, "PROGRESS_S", 0.1)
    world.fresh()
    world.bad.script(events([b": ping\n\n"] * 400, done=False, **APART))
    assert world.chat("b06-empty-content", stream=True).provider == "good"


@pytest.mark.parametrize(
    ("endless", "most"), [(["word "] * 5000, 60), (["x" * 400] * 200, 3000)], ids=["pieces", "chars"]
)
def test_e28_a_provider_that_ignores_max_tokens_is_cut_off(world: World, endless: list[str], most: int) -> None:
    gone_on = openai_stream(endless, finish=None, pace_s=0.001)
    world.bad.script(gone_on)
    answer = world.chat("b06-empty-content", stream=True, max_tokens=20)
    assert answer.done
    assert [event["choices"][0]["finish_reason"] for event in answer.events[:-1]][-1] == "length"
    assert len(answer.content) <= most * 5
    assert world.bad.wait_closed().how in ("FIN", "RST")
    assert world.record_of(answer)["outcome"] == "settled"


def test_e28_a_provider_that_keeps_to_max_tokens_is_never_cut(world: World) -> None:
    world.bad.script(openai_stream(["antidisestablishmentarianism"] * 20, finish="length"))
    answer = world.chat("b06-empty-content", stream=True, max_tokens=20)
    assert answer.content == "antidisestablishmentarianism" * 20


def test_e24_a_fault_of_our_own_is_an_error_event_and_a_line_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    frames = ChunkWriter.frames

    def clumsy(self: ChunkWriter, chunks: list[Any]) -> bytes:
        if any(b"there" in chunk.data for chunk in chunks):
            raise ZeroDivisionError("sk-CANARY-in-a-message"[:2])
        return frames(self, chunks)

    monkeypatch.setattr(ChunkWriter, "frames", clumsy)
    world.bad.script(openai_stream(**APART))
    with caplog.at_level(logging.ERROR, "tokenhub"):
        answer = world.chat("b06-empty-content", stream=True)
    assert answer.content == "Hello"
    assert not answer.done
    error = answer.events[-1]["error"]
    assert (error["code"], error["type"]) == ("internal_error", "api_error")
    assert f"internal error in request req-{answer.ulid}" in caplog.text
    assert world.bad.wait_closed().how in ("FIN", "RST")
    assert world.record_of(answer)["error"] == "internal_error"


def test_e24_a_fault_of_our_own_before_the_head_is_a_500(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def clumsy(*_: Any) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(hot, "open_receipt", clumsy)
    with caplog.at_level(logging.CRITICAL, "tokenhub"):
        for stream in (False, True):
            answer = world.chat("safe", stream=stream)
            assert (answer.status, answer.code, answer.error["type"]) == (500, "internal_error", "api_error")


# callers who leave


def left(world: World) -> dict[str, Any]:
    """The record of the one request whose caller left."""
    rows = until(lambda: [row for row in world.records() if row["status"] == 499 and row["id"] not in seen_ids])
    seen_ids.update(row["id"] for row in rows)
    assert len(rows) == 1
    return dict(rows[0])


seen_ids: set[str] = set()


def hang_up(sock: socket.socket, how: str) -> None:
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if how == "half":
        sock.shutdown(socket.SHUT_WR)
    else:
        sock.close()


def calling(world: World, *, stream: bool) -> socket.socket:
    """A caller's socket that has just sent a whole request."""
    body = httpx.Request(
        "POST", "http://x", json={"model": "b06-empty-content", "messages": MESSAGES, "stream": stream}
    )
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Length: {len(body.content)}\r\n\r\n"
    )
    host, port = world.gateway.url.removeprefix("http://").split(":")
    sock = socket.create_connection((host, int(port)), timeout=10)
    sock.sendall(head.encode() + body.content)
    return sock


@pytest.fixture(params=["close", "reset", "half"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_e20_e23_a_caller_who_leaves_a_stream_closes_the_call_and_pays_for_what_came(world: World, how: str) -> None:
    world.bad.script(openai_stream(["Hello"] * 1000, pace_s=0.01))
    sock = calling(world, stream=True)
    got = b""
    while b"Hello" not in got:
        got += sock.recv(65536)
    hang_up(sock, how)
    assert world.bad.wait_closed(timeout=1.0).how in ("FIN", "RST")
    record = left(world)
    assert (record["error"], record["outcome"]) == ("client_closed", "settled")
    assert 0 < record["output_tokens"] < 500
    assert world.gateway.gateway.in_flight == 0
    sock.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_e21_a_caller_who_leaves_before_the_first_token_closes_the_call(world: World, how: str, stream: bool) -> None:
    gate = world.bad.gate()
    world.bad.script((openai_stream if stream else openai_chat)(gate=gate))
    sock = calling(world, stream=stream)
    gate.wait_reached()
    hang_up(sock, how)
    assert world.bad.wait_closed(timeout=1.0).how in ("FIN", "RST")
    record = left(world)
    assert (record["error"], record["outcome"], record["possibly_billed"]) == ("client_closed", "settled", True)
    assert world.good.requests == []
    assert len(world.bad.requests) == 1
    sock.close()


def test_e22_a_reader_who_does_not_read_is_hung_up_on_and_holds_the_provider_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GuardedProtocol, "write_limit_s", 0.3)
    with a_world(tmp_path, timeouts="connect: 20s, first_byte: 20s, idle: 20s, total: 60s") as patient:
        patient.bad.script(openai_stream(["x" * 60_000] * 2000))
        with calling(patient, stream=True):
            patient.bad.wait_requests(1)
            connection = patient.bad.wait_closed(timeout=20.0)
            assert connection.bytes_out < 60_000_000, "the provider was held back"
            assert left(patient)["error"] == "client_closed"


def test_e31_a_stream_that_takes_too_long_is_told_so(world: World) -> None:
    error = broken(world, openai_stream(["Hello"] * 1000, pace_s=0.01, finish=None))
    assert error["code"] == "deadline_exceeded"


def test_e34_alone_behind_a_blank_header_nothing_falls_back_in_either_mode(world: World) -> None:
    for stream in (False, True):
        world.fresh()
        assert world.chat("s14-server-error", stream=stream, headers=ALONE).status == 500
        assert world.good.requests == []
