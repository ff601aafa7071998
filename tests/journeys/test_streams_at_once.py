"""A stream reaches its caller as it is said: each chunk at once, none lost, none heard by another."""

import asyncio
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.cli.http_cycle import Cycle
from tests.serving import KEY, a_config, serving
from tests.wire import Wire, openai_stream

WORDS = [f" word{number}" for number in range(40)]
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}], "stream": True}


def text_of(said: str) -> str:
    events = [json.loads(line[6:]) for line in said.split("\n") if line.startswith("data: {")]
    return "".join(event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"])


def test_chunks_are_written_from_within_the_reading_of_the_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No task is woken for a chunk: it is written where it is heard."""
    tasks: list[object] = []
    push = Cycle.push

    def watched(cycle: Cycle, data: bytes) -> bool:
        tasks.append(asyncio.current_task())
        return push(cycle, data)

    monkeypatch.setattr(Cycle, "push", watched)
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        wire.script(openai_stream(WORDS, pace_s=0.002))
        said = client.post("/v1/chat/completions", json=ASKED).text
    assert text_of(said) == "".join(WORDS)
    assert said.endswith("data: [DONE]\n\n")
    assert tasks.count(None) > len(WORDS) // 2


def test_a_chunk_is_there_before_the_next_is_said(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        gate = wire.gate()
        wire.script(openai_stream(["first", "second"], role_first=False, body_gate=gate))
        with client.stream("POST", "/v1/chat/completions", json=ASKED) as answer:
            lines = answer.iter_lines()
            assert "first" in next(lines)
            gate.open()
            assert "second" in "".join(lines)


def test_streams_side_by_side_come_whole_and_unmixed(tmp_path: Path) -> None:
    def one(number: int) -> tuple[str, str]:
        asked = ASKED | {"messages": [{"role": "user", "content": f"caller {number}"}]}
        with gateway.client() as client:
            return f"caller {number}", text_of(client.post("/v1/chat/completions", json=asked).text)

    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, ThreadPoolExecutor(20) as callers:
        wire.script(lambda seen: openai_stream([seen.json["messages"][0]["content"]] * 30, pace_s=0.001), always=True)
        for caller, text in callers.map(one, range(20)):
            assert text == caller * 30


def test_a_reader_who_pauses_loses_nothing(tmp_path: Path) -> None:
    """More is said than all buffers on the way hold: the provider has to wait for the caller."""
    word = "x" * 50_000
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        wire.script(openai_stream([word] * 300))
        body = json.dumps(ASKED).encode()
        host, port = gateway.url.removeprefix("http://").split(":")
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=20) as sock:
            sock.sendall(head.encode() + body)
            parts = [sock.recv(1000)]
            sent, last = -1, -2
            while sent != last:
                last = sent
                time.sleep(0.05)
                sent = wire.connections[0].bytes_out
            assert sent < 300 * len(word)
            while data := sock.recv(1_000_000):
                parts.append(data)
        assert b"".join(parts).count(word.encode()) == 300
