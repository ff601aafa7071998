"""The process under signals: what drains, what is broken off with a word, and with which status it ends."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.faults.process import Line, Process, a_process
from tests.faults.world import MESSAGES
from tests.serving import ADMIN, a_config
from tests.wire import Gate, Wire, openai_chat, openai_stream

ASK = {"model": "gpt-4o", "messages": MESSAGES}


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as one:
        yield one


def gated(wire: Wire, count: int = 1) -> list[Gate]:
    """Streams that say a first word and wait."""
    gates = [wire.gate() for _ in range(count)]
    wire.script(*(openai_stream(["Hello", " there"], role_first=False, body_gate=gate) for gate in gates))
    return gates


def stream(process: Process) -> str:
    with process.client() as client:
        return client.post("/v1/chat/completions", json=ASK | {"stream": True}).text


def config(wire: Wire, *, delay: str = "0s", grace: str = "20s") -> str:
    return a_config(wire.url, more=f"server: {{drain_delay: {delay}, shutdown_grace: {grace}}}\n")


def test_p01_p02_p09_a_stop_is_told_to_balancers_first_and_running_streams_finish(wire: Wire, tmp_path: Path) -> None:
    with a_process(config(wire, delay="1s"), tmp_path) as process, ThreadPoolExecutor(8) as pool:
        gates = gated(wire, 8)
        running = [pool.submit(stream, process) for _ in gates]
        for gate in gates:
            gate.wait_reached()
        with Line(process.address) as kept, process.client() as client:
            kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"connection: close" not in kept.answers(1)[0].lower()
            process.tell(signal.SIGTERM)
            process.said("draining")
            assert client.get("/readyz").status_code == 503
            assert client.get("/readyz").json()["status"] == "draining"
            assert client.get("/healthz").status_code == 200
            assert client.post("/v1/chat/completions", json=ASK).status_code == 200, "taken while balancers look away"
            kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"connection: close" in kept.answers(1)[0].lower()
            assert kept.rest() == b""
        for gate in gates:
            gate.open()
        assert all(one.result().endswith("data: [DONE]\n\n") for one in running)
        assert process.wait() == 0


def test_p03_e33_when_the_grace_is_over_streams_are_broken_off_with_a_word(wire: Wire, tmp_path: Path) -> None:
    with a_process(config(wire, grace="1s"), tmp_path) as process, ThreadPoolExecutor(1) as pool:
        (gate,) = gated(wire)
        running = pool.submit(stream, process)
        gate.wait_reached()
        process.tell(signal.SIGTERM)
        text = running.result()
        assert '"server_shutdown"' in text
        assert "[DONE]" not in text
        assert process.wait() == 0
        journals = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
        assert b"server_shutdown" in journals, "it is on record"


def test_p03_who_waits_for_a_whole_answer_when_the_grace_is_over_is_told_so(wire: Wire, tmp_path: Path) -> None:
    with a_process(config(wire, grace="1s"), tmp_path) as process, ThreadPoolExecutor(1) as pool:
        gate = wire.gate()
        wire.script(openai_chat(gate=gate))
        with process.client() as client:
            running = pool.submit(client.post, "/v1/chat/completions", json=ASK)
            gate.wait_reached()
            process.tell(signal.SIGTERM)
            answer = running.result()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "draining")
        assert process.wait() == 0
        assert "Traceback" not in process.stderr
        assert "Exception in ASGI" not in process.stderr


def test_p04_a_second_signal_ends_it_at_once(wire: Wire, tmp_path: Path) -> None:
    with a_process(config(wire, delay="20s"), tmp_path) as process, ThreadPoolExecutor(1) as pool:
        (gate,) = gated(wire)
        running = pool.submit(stream, process)
        gate.wait_reached()
        process.tell(signal.SIGTERM)
        process.said("draining")
        began = time.monotonic()
        process.tell(signal.SIGINT)
        assert process.wait() == 0
        assert time.monotonic() - began < 3.0
        assert '"server_shutdown"' in running.result()


def test_p05_hangup_reloads(wire: Wire, tmp_path: Path) -> None:
    with a_process(config(wire), tmp_path) as process, process.client() as client:
        before = client.get("/readyz").json()["config"]
        (tmp_path / "tokenhub.yaml").write_text(config(wire) + "aliases: {other: gpt-4o}\n")
        process.tell(signal.SIGHUP)
        process.said("SIGHUP")
        assert client.get("/readyz").json()["config"] != before
        assert client.post("/v1/chat/completions", json=ASK | {"model": "other"}).status_code == 200
        process.tell(signal.SIGTERM)
        assert process.wait() == 0


def test_p14_while_it_drains_a_reload_is_not_taken(wire: Wire, tmp_path: Path) -> None:
    with a_process(config(wire, delay="2s"), tmp_path) as process, process.client(ADMIN) as admin:
        process.tell(signal.SIGTERM)
        process.said("draining")
        (tmp_path / "tokenhub.yaml").write_text(config(wire) + "aliases: {other: gpt-4o}\n")
        before = admin.get("/readyz").json()["config"]
        process.tell(signal.SIGHUP)
        assert admin.get("/readyz").json()["config"] == before
        process.tell(signal.SIGTERM)
        assert process.wait() == 0


def serve(config: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway.cli.main", "serve", str(config), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_p11_a_port_that_is_taken_is_one_sentence_and_status_1(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENHUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-CANARY-up")
    (tmp_path / "tokenhub.yaml").write_text(config(wire))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = serve(tmp_path / "tokenhub.yaml", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert ended.returncode == 1
    assert "cannot listen on 127.0.0.1:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_k41_a_broken_configuration_is_status_78_with_all_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "tokenhub.yaml").write_text("version: 1\nmodel: {}\nkey: []\n")
    ended = serve(tmp_path / "tokenhub.yaml")
    assert ended.returncode == 78
    assert ended.stderr.count("error TH") == 2
    assert "Traceback" not in ended.stderr


def test_nothing_is_lost_and_nobody_is_refused_while_it_drains(wire: Wire, tmp_path: Path) -> None:
    """New callers keep coming until the listener closes; each gets an answer."""
    with a_process(config(wire, delay="500ms"), tmp_path) as process:
        statuses: list[int] = []
        process.tell(signal.SIGTERM)
        process.said("draining")
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            statuses.append(httpx.get(process.url + "/healthz", trust_env=False).status_code)
        assert set(statuses) == {200}
        assert process.wait() == 0
