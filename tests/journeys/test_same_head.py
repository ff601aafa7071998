"""The same caller again and again on one connection, while what they may do changes."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import ADMIN, KEY, Serving, a_config, digest_of, serving
from tests.wire import Wire, openai_stream

OTHER = "th-CANARY-other-key"
MESSAGES = [{"role": "user", "content": "Hello!"}]


def config(wire: Wire, *, key: str = "", more: str = "") -> str:
    return a_config(wire.url, key=key) + f"  - {{name: other, digest: '{digest_of(OTHER)}', scopes: [chat]}}\n" + more


@contextlib.contextmanager
def calling(text: Callable[[Wire], str], folder: Path) -> Iterator[tuple[Wire, Serving, "Caller"]]:
    with Wire() as wire, serving(text(wire), folder) as gateway:
        host, _, port = gateway.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as sock:
            yield wire, gateway, Caller(sock)


class Caller:
    """One connection, one write for each request."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def ask(self, key: str = KEY, *more: str, **fields: Any) -> tuple[int, dict[str, str], bytes]:
        body = json.dumps({"model": "gpt-4o", "messages": MESSAGES, **fields}).encode()
        lines = ["POST /v1/chat/completions HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", *more]
        lines.append(f"Content-Length: {len(body)}")
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self.answer()

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
        head, _, body = got.partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        while (
            not body.endswith(b"0\r\n\r\n")
            if "content-length" not in headers
            else (len(body) < int(headers["content-length"]))
        ):
            body += self._more()
        return int(start.split()[1]), headers, body

    def _more(self) -> bytes:
        data = self.sock.recv(65536)
        assert data, "the connection was closed"
        return data


def reload(gateway: Serving, folder: Path, text: str) -> None:
    (folder / "tokenhub.yaml").write_text(text)
    with gateway.client(ADMIN) as admin:
        assert admin.post("/admin/v1/reload").json()["outcome"] == "loaded"


def test_each_request_is_one_of_its_own(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (wire, _gateway, caller):
        names = set()
        for length in (1, 5, 50, 500, 5000):
            status, headers, _ = caller.ask(user="u" * length)
            assert status == 200
            names.add(headers["x-request-id"])
        assert len(names) == 5
        assert [json.loads(one.body)["user"] for one in wire.requests] == ["u" * n for n in (1, 5, 50, 500, 5000)]


def test_a_key_that_is_taken_away_opens_nothing_more(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (wire, gateway, caller):
        assert [caller.ask()[0] for _ in range(4)] == [200] * 4
        reload(gateway, tmp_path, config(wire, key="enabled: false"))
        assert [caller.ask()[0] for _ in range(2)] == [401] * 2
        reload(gateway, tmp_path, config(wire, key="scopes: [embeddings]"))
        assert [caller.ask()[0] for _ in range(2)] == [403] * 2
        reload(gateway, tmp_path, config(wire))
        assert caller.ask()[0] == 200


def test_a_key_that_expires_opens_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with calling(lambda wire: config(wire, key="expires: 2100-01-01"), tmp_path) as (_wire, gateway, caller):
        assert [caller.ask()[0] for _ in range(4)] == [200] * 4
        monkeypatch.setattr(gateway.gateway.clock, "unix", lambda: 4_200_000_000.0, raising=False)
        assert caller.ask()[0] == 401


def test_another_configuration_serves_from_the_next_request_on(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (wire, gateway, caller):
        before = [caller.ask()[1]["x-tokenhub-config"] for _ in range(4)]
        reload(gateway, tmp_path, config(wire, more="aliases: {smart: gpt-4o}\n"))
        after = [caller.ask()[1]["x-tokenhub-config"] for _ in range(4)]
    assert len(set(before)) == len(set(after)) == 1
    assert before[0] != after[0]


def test_proxies_that_are_trusted_from_now_on_speak_for_their_callers(tmp_path: Path) -> None:
    behind = "X-Forwarded-For: 192.0.2.7"
    with calling(config, tmp_path) as (wire, gateway, caller):
        assert [caller.ask("th-nobody", behind)[0] for _ in range(4)] == [401] * 4
        reload(gateway, tmp_path, config(wire, more="server: {trusted_proxies: [127.0.0.1]}\n"))
        assert [caller.ask("th-nobody", behind)[0] for _ in range(4)] == [401] * 4
        reload(gateway, tmp_path, config(wire))
        assert [caller.ask("th-nobody", behind)[0] for _ in range(4)] == [401] * 4
        seen = set(gateway.gateway.strangers._seen)
    assert seen == {"127.0.0.1", "192.0.2.7"}


def test_two_callers_on_one_connection_are_told_apart(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (_wire, gateway, caller):
        for _ in range(3):
            assert [caller.ask(key)[0] for key in (KEY, KEY, KEY, OTHER, OTHER, "th-nobody")] == [200] * 5 + [401]
        used = gateway.gateway.last_used
        assert set(used) == {"web-app", "other"}


def test_their_own_id_comes_back_each_time(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (_wire, _gateway, caller):
        for name in ("a", "a", "a", "b", "c", "c", "c"):
            assert caller.ask(KEY, f"X-Request-Id: {name}")[1]["x-request-id"] == name


def test_streams_and_whole_answers_take_turns(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (wire, _gateway, caller):
        for _ in range(3):
            wire.script(openai_stream(["one", "two"]))
            status, headers, body = caller.ask(stream=True)
            assert (status, headers["transfer-encoding"]) == (200, "chunked")
            assert b"two" in body
            assert caller.ask()[0] == 200


def test_an_answer_under_one_key_is_repeated_only_for_the_same_body(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (wire, _gateway, caller):
        said = [caller.ask(KEY, "Idempotency-Key: k1") for _ in range(4)]
        assert [status for status, _, _ in said] == [200] * 4
        assert ["idempotent-replayed" in headers for _, headers, _ in said] == [False, True, True, True]
        assert caller.ask(KEY, "Idempotency-Key: k1", user="somebody else")[0] == 422
        assert len(wire.requests) == 1


def test_the_last_requests_before_the_end_are_told_so(tmp_path: Path) -> None:
    with calling(config, tmp_path) as (_wire, gateway, caller):
        assert ["connection" in caller.ask()[1] for _ in range(4)] == [False] * 4
        gateway.call(gateway.server._close_after_answers)
        assert caller.ask()[1]["connection"] == "close"
        assert caller.sock.recv(10) == b""
