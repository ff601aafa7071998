"""Requests that no HTTP library would send, byte by byte, against the server as it is installed."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.http_protocol import GuardedProtocol
from tests.faults.process import Line, Process, a_process
from tests.faults.world import MESSAGES, World
from tests.serving import ADMIN, KEY, digest_of

BODY = json.dumps({"model": "echo", "messages": MESSAGES}).encode()
HEADS = re.compile(rb"HTTP/1\.1 \d{3} ")
ECHO = f"""
version: 1
providers: {{demo: {{dialect: echo}}}}
models:
  echo:
    weight: 1
    context_window: 8000
    max_output_tokens: 4000
    capabilities: [chat]
    offers: [{{provider: demo, id: echo, price: {{input: 1, output: 1}}}}]
keys: [{{name: web-app, digest: '{digest_of()}'}}]
"""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with a_process(ECHO, tmp_path_factory.mktemp("raw")) as one:
        yield one


def post(
    *more: str, body: bytes = BODY, host: str = "Host: x", start: str = "POST /v1/chat/completions HTTP/1.1"
) -> bytes:
    lines = [start, *([host] if host else []), f"Authorization: Bearer {KEY}", *more]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in more):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


SMUGGLED = post()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

REFUSED: dict[str, bytes] = {
    "C33 length and chunked": post(f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked", body=CHUNKED)
    + SMUGGLED,
    "C33 two lengths": post("Content-Length: 5", f"Content-Length: {len(BODY)}"),
    "C33 equal lengths twice": post(f"Content-Length: {len(BODY)}", f"Content-Length: {len(BODY)}"),
    "C33 signed length": post(f"Content-Length: +{len(BODY)}"),
    "C33 negative length": post("Content-Length: -1"),
    "C33 length in words": post("Content-Length: many"),
    "C33 bad chunk": post("Transfer-Encoding: chunked", body=b"zz\r\nhello\r\n0\r\n\r\n"),
    "C33 chunk without end": post("Transfer-Encoding: chunked", body=b"5\r\nhelloXX0\r\n\r\n"),
    "C33 chunked not last": post("Transfer-Encoding: chunked, gzip", body=CHUNKED),
    "C33 other coding": post("Transfer-Encoding: xchunked", body=CHUNKED),
    "C33 folded header": post("X-Folded: one\r\n two"),
    "C33 space before colon": post("X-Space : one"),
    "C33 no colon": post("NoColonHere"),
    "C33 NUL in a value": post("X-Nul: a\x00b"),
    "C34 no host": post(host=""),
    "C34 two hosts": post("Host: y"),
    "C34 host with a path": post(host="Host: x/admin"),
    "C34 host with a query": post(host="Host: x?y"),
    "C34 host with a user": post(host="Host: a@x"),
    "C34 empty host": post(host="Host:"),
    "C35 CONNECT": b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nConnection: close\r\n\r\n",
    "C35 TRACE": b"TRACE /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "C32 garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "C32 no such method": post(start="BREW /v1/chat/completions HTTP/1.1"),
    "C32 no such version": post(start="POST /v1/chat/completions HTTP/9.9"),
    "two keys": post(f"Authorization: Bearer {KEY}"),
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_a_malformed_request_is_refused_once_and_the_connection_closed(process: Process, sent: bytes) -> None:
    with Line(process.address) as line:
        line.send(sent)
        got = line.rest()
    assert len(HEADS.findall(got)) == 1, "never a second answer"
    status = int(got[9:12])
    assert status in (400, 405), got[:200]
    assert b"echo" not in got
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert set(json.loads(body)["error"]) == {"type", "message", "code", "param"}


LARGE: dict[str, bytes] = {
    "target of 100 KB": post(start=f"POST /v1/chat/completions?{'a' * 100_000} HTTP/1.1"),
    "2,000 headers": post(*(f"X-{number}: 1" for number in range(2000))),
    "header of 70 KB": post("X-Large: " + "a" * 70_000),
    "header of 1 MB": post("X-Large: " + "a" * 1_000_000),
}


@pytest.mark.parametrize("sent", LARGE.values(), ids=LARGE)
def test_c32_heads_beyond_all_measure_are_refused_and_the_connection_closed(process: Process, sent: bytes) -> None:
    with Line(process.address) as line:
        line.send(sent)
        got = line.rest()
    assert got == b"" or int(got[9:12]) in (400, 413, 414, 431), got[:200]
    assert len(HEADS.findall(got)) <= 1


def test_c33_a_bare_line_feed_hides_no_header(process: Process) -> None:
    with Line(process.address) as line:
        line.send(post("X-A: 1\nX-B: 2", "Connection: close"))
        got = line.rest()
    assert int(got[9:12]) in (200, 400)
    assert len(HEADS.findall(got)) == 1


@pytest.mark.parametrize("target", ["http://x/v1/chat/completions", "http://evil.example/v1/chat/completions"])
def test_c35_a_target_in_absolute_form_is_the_path_it_names_and_no_proxying(process: Process, target: str) -> None:
    with Line(process.address) as line:
        line.send(post("Connection: close", start=f"POST {target} HTTP/1.1"))
        got = line.rest()
    assert int(got[9:12]) == 200


def test_c38_pipelined_requests_are_answered_in_order_and_each_accounted_once(process: Process) -> None:
    names = [f"pipelined-{number}" for number in range(8)]
    with Line(process.address) as line:
        line.send(b"".join(post(f"X-Request-Id: {name}") for name in names))
        answers = line.answers(len(names))
    ids = [value_of(answer, b"x-request-id") for answer in answers]
    assert ids == names
    ours = {value_of(answer, b"x-inferoute-request-id").removeprefix("req-") for answer in answers}
    with process.client(ADMIN) as admin:
        while True:
            rows = [row["id"] for row in admin.get("/admin/v1/requests?limit=1000").json()["data"]]
            if ours <= set(rows):
                break
    assert all(rows.count(one) == 1 for one in ours)


def value_of(answer: bytes, name: bytes) -> str:
    lines = answer.split(b"\r\n")
    return next(line[len(name) + 2 :].decode() for line in lines if line.lower().startswith(name + b": "))


def test_c39_an_old_client_gets_its_stream_and_then_the_end(process: Process) -> None:
    body = BODY[:-1] + b', "stream": true}'
    with Line(process.address) as line:
        line.send(post(body=body, start="POST /v1/chat/completions HTTP/1.0"))
        got = line.rest()
    assert b" 200 " in got[:20]
    assert b"data: [DONE]" in got


OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAA")


@pytest.mark.parametrize("behind", [b"", SMUGGLED, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], ids=["", "more", "HTTP/2"])
@pytest.mark.parametrize("cut", [0, 1, 20, 10_000])
@pytest.mark.parametrize("framed", ["by its length", "in pieces"])
def test_an_offer_to_upgrade_is_not_taken_up_and_costs_no_body(
    process: Process, framed: str, cut: int, behind: bytes
) -> None:
    """Some HTTP libraries offer HTTP/2 with every first request on a connection, and stream its body."""
    pieces = b"5;x=1\r\n%s\r\n%x\r\n%s\r\n0\r\nX-T: 1\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:])
    whole = post(*OFFER) if framed == "by its length" else post(*OFFER, "Transfer-Encoding: chunked", body=pieces)
    whole += behind
    head = whole.index(b"\r\n\r\n") + 4 + cut
    with Line(process.address) as line:
        line.send(whole[:head])
        line.send(whole[head:])
        got = line.rest()
    assert b" 200 " in got[:20]
    assert got.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("body", [b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n"])
def test_behind_an_offer_to_upgrade_a_body_is_read_as_strictly(process: Process, body: bytes) -> None:
    with Line(process.address) as line:
        line.send(post(*OFFER, "Transfer-Encoding: chunked", body=body))
        got = line.rest()
    assert [head[9:12] for head in HEADS.findall(got)] == [b"400"]
    assert b'"invalid_http"' in got


def test_blanks_around_a_value_are_no_part_of_it(process: Process) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost:\tx \r\nAuthorization: Bearer {KEY} \t \r\n"
    whole = head.encode() + b"X-Request-Id:  mine\t\r\nContent-Length: %d \r\n\r\n%s" % (len(BODY), BODY)
    with Line(process.address) as line:
        for _ in range(3):
            line.send(whole)
            [answer] = line.answers(1)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert value_of(answer, b"x-request-id") == "mine"


def test_expect_100_continue_is_answered_before_the_body_is_sent(process: Process) -> None:
    with Line(process.address) as line:
        line.send(post("Expect: 100-continue", f"Content-Length: {len(BODY)}", body=b""))
        assert line.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        line.send(BODY)
        assert line.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_an_old_client_is_not_told_to_continue(process: Process) -> None:
    with Line(process.address) as line:
        line.send(
            post(
                "Expect: 100-continue",
                f"Content-Length: {len(BODY)}",
                body=BODY[:-1],
                start="POST /v1/chat/completions HTTP/1.0",
            )
        )
        with process.client() as client:
            client.get("/healthz")
        line.send(BODY[-1:])
        assert line.rest().startswith(b"HTTP/1.1 200 ")


def test_a_body_that_will_be_refused_is_not_asked_for(process: Process) -> None:
    with Line(process.address) as line:
        line.send(post("Expect: 100-continue", "Content-Length: 999999999", body=b""))
        assert line.until(b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")


METHODS: dict[tuple[str, str], tuple[int, str | None]] = {
    ("HEAD", "/v1/chat/completions"): (405, "POST"),
    ("OPTIONS", "/v1/chat/completions"): (405, "POST"),
    ("OPTIONS", "/v1/models"): (204, "GET"),
    ("POST", "/v1/models"): (405, "GET"),
    ("HEAD", "/v1/models"): (405, "GET"),
    ("PATCH", "/v1/chat"): (405, "POST"),
    ("DELETE", "/healthz"): (405, "GET"),
    ("POST", "/v1/proxy/anything"): (404, None),
    ("GET", "/v1/chat/completions/extra"): (404, None),
    ("OPTIONS", "/nowhere"): (404, None),
    ("OPTIONS", "*"): (404, None),
}


@pytest.mark.parametrize(("asked", "told"), METHODS.items(), ids=lambda it: " ".join(map(str, it)))
def test_c31_unknown_paths_and_methods_are_told_in_our_own_words(
    process: Process, asked: tuple[str, str], told: tuple[int, str | None]
) -> None:
    method, path = asked
    with Line(process.address) as line:
        line.send(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
        )
        got = line.rest()
    head, _, body = got.partition(b"\r\n\r\n")
    status, allow = told
    assert int(head[9:12]) == status, got
    if allow is not None:
        assert allow in value_of(head, b"allow").split(", ")
    assert b"access-control" not in head.lower(), "pages of other origins are not let in"
    if method == "HEAD" or status == 204:
        assert body == b""
    else:
        said = json.loads(body)
        assert code_of(said) == ("not_found" if status == 404 else "method_not_allowed")
    assert value_of(head, b"x-inferoute-request-id").startswith("req-")


@pytest.mark.parametrize(
    "sent", [b"", b"POST /v1/chat HTTP/1.1\r\nHost: x\r\nX-Slow: "], ids=["nothing", "half a head"]
)
def test_c37_a_head_that_does_not_come_is_waited_for_so_long_and_no_longer(
    world: World, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(GuardedProtocol, "head_timeout_s", 0.2)
    host, port = world.gateway.url.removeprefix("http://").split(":")
    with Line((host, int(port))) as line:
        line.send(sent)
        assert line.rest() == b""


def test_c37_on_a_kept_connection_the_next_head_has_its_own_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuardedProtocol, "head_timeout_s", 0.2)
    host, port = world.gateway.url.removeprefix("http://").split(":")
    with Line((host, int(port))) as line:
        line.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert len(line.answers(1)) == 1
        line.send(b"GET /healthz HTTP/1.1\r\nHos")
        assert line.rest() == b""


def test_c36_a_body_that_dawdles_is_a_408_and_frees_its_place(tmp_path: Path) -> None:
    with a_process(ECHO + "server: {body_timeout: 300ms}\n", tmp_path) as slow:
        with Line(slow.address) as line:
            line.send(post(f"Content-Length: {len(BODY)}", body=BODY[:10]))
            got = line.until(b"}}")
        assert got.startswith(b"HTTP/1.1 408 ")
        assert b'"body_timeout"' in got
        with Line(slow.address) as line:
            line.send(post(f"Content-Length: {len(BODY)}", body=BODY[:10]))
        with slow.client() as client:
            assert client.post("/v1/chat/completions", content=BODY).status_code == 200
            metrics = client.get("/metrics").text
        assert "tokenhub_in_flight 0" in metrics
        assert "Exception in ASGI application" not in slow.stderr


def test_the_process_has_survived_all_this(process: Process) -> None:
    with process.client() as client, ThreadPoolExecutor(4) as pool:
        calls: list[Any] = list(pool.map(lambda _: client.post("/v1/chat/completions", content=BODY), range(8)))
    assert {answer.status_code for answer in calls} == {200}
    assert "Traceback" not in process.stderr
    assert "exception" not in process.stderr.lower()


def code_of(said: Any) -> str:
    """Of either family of errors."""
    return str(said["code"] if "code" in said else said["error"]["code"])
