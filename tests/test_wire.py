"""The fake provider itself: what is scripted is what goes over the wire, and what happened is known."""

import json
import socket
import ssl
import struct
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.wire import (
    HOLE,
    RESET,
    SCENARIOS,
    Authority,
    ConnectProxy,
    FaultProxy,
    Scripted,
    Wire,
    events,
    openai_chat,
    openai_error,
    openai_stream,
    scenario,
)

CHAT = b'{"model": "gpt-4o", "messages": []}'


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


def request(path: str = "/v1/chat/completions", body: bytes = CHAT) -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), len(body), body)


def dial(wire: Wire | FaultProxy, sent: bytes = b"") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", wire.port), timeout=5)
    try:
        sock.sendall(sent)
    except OSError:
        sock.close()
        raise
    return sock


def read_to_end(sock: socket.socket) -> bytes:
    out = b""
    with sock:
        while data := sock.recv(65536):
            out += data
    return out


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def ask(wire: Wire, path: str, value: object) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", wire.port, timeout=5)
    connection.request("POST", path, json.dumps(value))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


DEFAULTS = [
    ("/v1/chat/completions", {"model": "m"}, b'"object": "chat.completion"'),
    ("/v1/chat/completions", {"model": "m", "stream": True}, b"data: [DONE]"),
    ("/v1/completions", {"model": "m", "prompt": "x"}, b'"object": "text_completion"'),
    ("/v1/embeddings", {"model": "m", "input": ["a", "b"]}, b'"index": 1'),
    ("/v1/messages", {"model": "m"}, b'"type": "message"'),
    ("/v1/messages", {"model": "m", "stream": True}, b"event: message_stop"),
]


@pytest.mark.parametrize(("path", "value", "says"), DEFAULTS)
def test_nothing_scripted_is_a_sensible_answer(wire: Wire, path: str, value: object, says: bytes) -> None:
    status, body = ask(wire, path, value)
    assert status == 200
    assert says in body


def test_answers_come_in_the_order_scripted_and_then_the_default(wire: Wire) -> None:
    wire.script(openai_error(429), openai_error(500))
    assert [ask(wire, "/v1/chat/completions", {"model": "m"})[0] for _ in range(3)] == [429, 500, 200]


def test_a_rule_can_name_path_model_or_predicate(wire: Wire) -> None:
    wire.script(openai_error(401), model="a", always=True)
    wire.script(openai_error(402), path="/v1/embeddings", always=True)
    wire.script(openai_error(403), when=lambda seen: seen.json.get("odd") is True)
    assert ask(wire, "/v1/chat/completions", {"model": "a"})[0] == 401
    assert ask(wire, "/v1/embeddings", {"model": "b"})[0] == 402
    assert ask(wire, "/v1/chat/completions", {"model": "b", "odd": True})[0] == 403
    assert ask(wire, "/v1/chat/completions", {"model": "b", "odd": True})[0] == 200


def test_a_model_can_name_a_scenario(wire: Wire) -> None:
    assert ask(wire, "/v1/chat/completions", {"model": "f/S10-rate-limited"})[0] == 429


def test_what_came_is_kept(wire: Wire) -> None:
    ask(wire, "/v1/chat/completions?x=1", {"model": "gpt-4o"})
    (seen,) = wire.wait_requests(1)
    assert (seen.method, seen.path, seen.query, seen.model) == ("POST", "/v1/chat/completions", "x=1", "gpt-4o")
    assert seen.header("content-length") == str(len(seen.body))
    assert wire.wait_closed(0).how == "FIN"


def test_a_client_that_resets_is_seen(wire: Wire) -> None:
    wire.script(HOLE)
    sock = dial(wire, request())
    wire.wait_requests(1)
    reset(sock)
    assert wire.wait_closed(0).how == "RST"


def test_a_reset_reaches_the_client(wire: Wire) -> None:
    wire.script(RESET)
    with pytest.raises(ConnectionResetError):
        read_to_end(dial(wire, request()))
    assert wire.wait_closed(0).how == "us"


def test_a_body_can_be_cut_and_the_connection_closed(wire: Wire) -> None:
    wire.script(openai_chat(cut_after=10, end="close"))
    assert read_to_end(dial(wire, request())).partition(b"\r\n\r\n")[2] == b'{"id": "ch'


def test_a_stream_stalls_until_the_client_leaves(wire: Wire) -> None:
    wire.script(openai_stream(stall_after=2))
    sock = dial(wire, request())
    seen = b""
    while seen.count(b"data: ") < 2:
        seen += sock.recv(65536)
    sock.close()
    assert wire.wait_closed(0).how in {"FIN", "RST"}


def test_a_gate_holds_an_answer_back(wire: Wire) -> None:
    gate = wire.gate()
    wire.script(openai_chat(gate=gate, end="close"))
    sock = dial(wire, request())
    gate.wait_reached()
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(1)
    sock.settimeout(5)
    gate.open()
    assert read_to_end(sock).startswith(b"HTTP/1.1 200 OK")


def test_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    wire.script(openai_chat("one"), openai_chat("two", end="close"))
    said = read_to_end(dial(wire, request() + request()))
    assert said.index(b'"one"') < said.index(b'"two"')


def test_chunked_requests_are_read(wire: Wire) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    wire.script(Scripted(end="close"))
    read_to_end(dial(wire, head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"))
    assert wire.requests[0].body == b"abcde"


def test_an_event_stream_can_be_cut_anywhere() -> None:
    whole = events([{"a": 1}, ("ping", {"b": 2}), b": hi\r\n\r\n"], eol="\r\n", framing="close")
    cut = whole.but(split=3)
    assert b"".join(cut.writes()) == b"".join(whole.writes())
    assert max(map(len, cut.writes())) == 3
    assert whole.writes()[1] == b'event: ping\r\ndata: {"b": 2}\r\n\r\n'


def test_a_scenario_has_an_id_of_the_catalogue() -> None:
    assert scenario("E08") is SCENARIOS["E08-stalls"]
    with pytest.raises(KeyError):
        scenario("U08")
    assert all(name[0] in "USBET" and name[1:3].isdigit() for name in SCENARIOS)


@pytest.mark.parametrize("variant", ["good", "expired", "wrong_name", "untrusted"])
def test_certificates_are_as_good_or_bad_as_asked(variant: str) -> None:
    authority = Authority()
    context = ssl.create_default_context(cafile=authority.ca_file)
    with Wire(tls=variant, authority=authority) as wire:  # type: ignore[arg-type]
        wire.script(openai_chat(end="close"))
        raw = dial(wire)
        if variant == "good":
            with context.wrap_socket(raw, server_hostname="localhost") as sock:
                sock.sendall(request())
                assert sock.recv(12) == b"HTTP/1.1 200"
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(raw, server_hostname="localhost")
        raw.close()
    authority.close()


def test_a_fault_proxy_passes_slices_cuts_and_resets(wire: Wire) -> None:
    wire.script(openai_chat(end="close"), always=True)
    with FaultProxy("127.0.0.1", wire.port) as proxy:
        proxy.slice_bytes = 7
        whole = read_to_end(dial(proxy, request()))
        assert whole.endswith(b"}}")
        proxy.cut_after = 20
        assert read_to_end(dial(proxy, request())) == whole[:20]
        proxy.cut_after, proxy.reset_after = None, 20
        with pytest.raises(ConnectionResetError):
            read_to_end(dial(proxy, request()))
        proxy.refuse = True
        with pytest.raises(ConnectionResetError):
            read_to_end(dial(proxy, request()))


def test_a_proxy_tunnels_and_forwards(wire: Wire) -> None:
    wire.script(openai_chat(end="close"), always=True)
    with ConnectProxy(addresses={"api.example": ("127.0.0.1", wire.port)}) as proxy:
        tunnel = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        tunnel.sendall(b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n")
        assert tunnel.recv(1000).startswith(b"HTTP/1.1 200")
        tunnel.sendall(request())
        assert read_to_end(tunnel).startswith(b"HTTP/1.1 200")
        plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        plain.sendall(request().replace(b"POST ", b"POST http://api.example"))
        assert read_to_end(plain).startswith(b"HTTP/1.1 200")
        assert [seen.method for seen in proxy.requests] == ["CONNECT", "POST"]
