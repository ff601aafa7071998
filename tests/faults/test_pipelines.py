"""Requests that share a connection: each has its own answer, whatever stands before it, behind it or after its body."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.http_protocol import GuardedProtocol
from tests.faults.process import Line, Process, a_process
from tests.faults.test_raw_http import BODY, CHUNKED, ECHO, HEADS, post, value_of
from tests.faults.world import MESSAGES, until
from tests.serving import ADMIN, KEY, a_config, serving
from tests.wire import Wire, events, openai_chat

STREAM = BODY[:-1] + b', "stream": true}'
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE_HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * 1_000_000
CHUNKED_HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
WIRED = json.dumps({"model": "gpt-4o", "messages": MESSAGES}).encode()

COUNTED = "tokenhub_requests_total{"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with a_process(ECHO, tmp_path_factory.mktemp("pipelines")) as one:
        yield one


def statuses(got: bytes) -> list[int]:
    return [int(head[9:12]) for head in HEADS.findall(got)]


@pytest.mark.parametrize("bad", [b"\x00garbage\r\n\r\n", LARGE_HEAD], ids=["no request", "a head without an end"])
@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
def test_what_cannot_be_read_is_refused_behind_the_answers_before_it(process: Process, body: bytes, bad: bytes) -> None:
    with Line(process.address) as line:
        line.send(post("X-Request-Id: first", body=body) + post("X-Request-Id: second", body=body) + bad)
        got = line.rest()
    assert statuses(got)[:2] == [200, 200]
    assert value_of(got, b"x-request-id") == "first"
    assert got.count(b"data: [DONE]") == (2 if body is STREAM else 0)
    assert statuses(got)[2:] in ([400], [431])


def test_a_request_whose_body_cannot_be_read_costs_the_one_before_it_nothing(process: Process) -> None:
    with Line(process.address) as line:
        line.send(post() + post("Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n0\r\n\r\n") + post())
        got = line.rest()
    assert statuses(got) == [200, 400]


def test_any_number_of_small_requests_may_come_at_once(process: Process) -> None:
    count = 8_000
    with Line(process.address) as line:
        sending = threading.Thread(target=line.send, args=(HEALTH * count,))
        sending.start()
        answers = line.answers(count)
        sending.join()
    assert len(answers) == count
    assert {int(answer[9:12]) for answer in answers} == {200}


@pytest.mark.parametrize("trailer", [f"Authorization: Bearer {KEY}", "X-Request-Id: trailer"])
def test_what_follows_a_body_is_no_header(process: Process, trailer: str) -> None:
    trailing = CHUNKED[:-2] + trailer.encode() + b"\r\n\r\n"
    with Line(process.address) as line:
        line.send(CHUNKED_HEAD + trailing)
        [answer] = line.answers(1)
    assert int(answer[9:12]) == 401
    assert value_of(answer, b"x-request-id") != "trailer"


@pytest.mark.parametrize("start", [b"0\r\nX-Endless: ", b"1;"], ids=["trailer", "chunk extension"])
def test_what_stands_around_a_body_has_an_end(process: Process, start: bytes) -> None:
    with Line(process.address) as line:
        line.send(CHUNKED_HEAD + start)
        for _ in range(20):
            line.send(b"a" * 100_000)
        got = line.rest()
    assert statuses(got) in ([], [401]), "a connection that is reset may lose what was said"
    with process.client() as client:
        assert client.get("/healthz").status_code == 200


def test_an_old_client_gets_its_stream_as_it_is(process: Process) -> None:
    with Line(process.address) as line:
        line.send(post(body=STREAM, start="POST /v1/chat/completions HTTP/1.0"))
        got = line.rest()
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body.startswith(b"data: ")
    assert body.endswith(b"data: [DONE]\n\n")


def test_whoever_leaves_is_missed_by_the_request_that_runs_and_not_by_the_last_one(tmp_path: Path) -> None:
    words = [{"choices": [{"index": 0, "delta": {"content": "word "}}]} for _ in range(400)]
    with Wire() as wire, a_process(a_config(wire.url), tmp_path) as process:
        wire.script(events(words, pace_s=0.05))
        sock = socket.create_connection(process.address)
        sock.sendall(post(body=WIRED[:-1] + b', "stream": true}') + HEALTH)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        with process.client(ADMIN) as admin:
            [row] = until(lambda: admin.get("/admin/v1/requests").json()["data"], 5.0)
        assert row["error"] == "client_closed"
        assert "Traceback" not in process.stderr
        assert "exception" not in process.stderr.lower()


def test_whoever_left_before_an_answer_is_counted_as_gone(tmp_path: Path) -> None:
    with Wire() as wire, a_process(a_config(wire.url), tmp_path) as process:
        gate = wire.gate()
        wire.script(openai_chat("late").but(gate=gate))
        with Line(process.address) as line:
            line.send(post(body=WIRED))
            gate.wait_reached()
        with process.client(ADMIN) as admin:
            numbers = until(lambda: [one for one in admin.get("/metrics").text.split("\n") if COUNTED in one])
        gate.open()
    assert numbers[0].endswith(" 1.0")
    assert 'status="499"' in numbers[0]


def test_half_a_head_does_not_cut_off_the_answer_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "head_timeout_s", 0.1)
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        wire.script(openai_chat("late").but(delay_head_s=0.5))
        host, port = gateway.url.removeprefix("http://").split(":")
        with Line((host, int(port))) as line:
            line.send(post(body=WIRED) + HEALTH[:20])
            got = line.rest()
    assert statuses(got) == [200]
