"""A thousand callers who leave at any point leave nothing behind, and whoever comes next is served."""

import asyncio
import json
import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.world import MESSAGES, until
from tests.serving import KEY, Serving, a_config, serving
from tests.wire import Scripted, Seen, Wire, openai_chat, openai_stream

CROWD = 1000
AT_ONCE = 60
SEED = 20_260_101

WAYS = (
    "half a head",
    "half a body",
    "at once",
    "before an answer",
    "after a byte",
    "in the middle",
    "half closed",
    "reset",
)


def slow(seen: Seen) -> Scripted:
    """A little patience is needed for every answer, so that there is something to leave."""
    if seen.json["stream"]:
        return openai_stream(["word "] * 30, pace_s=0.01, delay_head_s=0.02)
    return openai_chat(delay_head_s=0.1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Wire]]:
    with Wire() as wire, serving(a_config(wire.url), tmp_path_factory.mktemp("crowd")) as gateway:
        yield gateway, wire


def test_n22_n23_n26_a_thousand_leave_and_nothing_is_left_behind(
    place: tuple[Serving, Wire], caplog: pytest.LogCaptureFixture
) -> None:
    gateway, wire = place
    serve_some(gateway, 20)
    before = footprint(gateway)
    usual, wire.default = wire.default, slow
    chance = random.Random(SEED)
    ways = [(chance.choice(WAYS), chance.random() < 0.6) for _ in range(CROWD)]
    asyncio.run(crowd(gateway, ways))
    until(lambda: quiet(gateway), 20)
    until(lambda: len(wire.open_connections) == gateway.call(lambda: idle_upstream(gateway)), 20)
    after = footprint(gateway)
    assert after["tasks"] <= before["tasks"] + 2
    assert after["threads"] <= before["threads"] + 2
    idle = gateway.call(lambda: idle_upstream(gateway))
    assert after["files"] <= before["files"] + 2 * idle + 2, "each idle connection has two ends in this process"
    wire.default = usual
    serve_some(gateway, 100)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")] == []


def serve_some(gateway: Serving, count: int) -> None:
    ask = {"model": "gpt-4o", "messages": MESSAGES}
    with gateway.client() as client:
        for number in range(count):
            answer = client.post("/v1/chat/completions", json=ask | {"stream": number % 2 == 0})
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-tokenhub-attempts"] == "1"


def quiet(gateway: Serving) -> bool:
    inside = gateway.gateway
    pools = inside.upstream._pools.values()
    return (
        inside.in_flight == inside.uploading == 0
        and not gateway.server.server_state.connections
        and not gateway.server.server_state.tasks
        and all(pool.in_use == 0 for pool in pools)
        and not inside.open_streams
        and inside.live.visitors == 0
    )


def idle_upstream(gateway: Serving) -> int:
    return sum(len(pool.connections) for pool in gateway.gateway.upstream._pools.values())


def footprint(gateway: Serving) -> dict[str, int]:
    return {
        "tasks": gateway.call(lambda: len(asyncio.all_tasks())),
        "threads": sum(1 for _ in Path("/proc/self/task").iterdir()),
        "files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
    }


async def crowd(gateway: Serving, ways: list[tuple[str, bool]]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(way: str, stream: bool) -> None:
        async with places:
            await leave(gateway, way, stream=stream)

    await asyncio.gather(*(one(way, stream) for way, stream in ways))


async def leave(gateway: Serving, way: str, *, stream: bool) -> None:
    url = httpx.URL(gateway.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head, body = request(stream=stream)
    match way:
        case "half a head":
            writer.write(head[:40])
        case "half a body":
            writer.write(head + body[:10])
        case _:
            writer.write(head + body)
    await writer.drain()
    match way:
        case "before an answer" | "half closed":
            await asyncio.sleep(0.01)
        case "after a byte":
            await reader.read(1)
        case "in the middle" | "reset":
            await reader.readuntil(b"\r\n\r\n")
            await reader.read(200)
    if way == "half closed":
        writer.write_eof()
        await reader.read(1)
    if way == "reset":
        sock: Any = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def request(*, stream: bool) -> tuple[bytes, bytes]:
    body = json.dumps({"model": "gpt-4o", "messages": MESSAGES, "stream": stream}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n", body


def test_n27_an_open_stream_costs_little_memory(tmp_path: Path) -> None:
    streams = 200
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        serve_some(gateway, 10)
        gate = wire.gate()
        wire.script(openai_stream(["Hello", "!"], role_first=False, body_gate=gate), always=True)
        url = httpx.URL(gateway.url)
        head, body = request(stream=True)
        before = resident_bytes()
        socks = []
        for _ in range(streams):
            sock = socket.create_connection((url.host, url.port or 80), timeout=10)
            sock.sendall(head + body)
            socks.append(sock)
        gate.wait_reached(streams)
        until(lambda: len(gateway.gateway.open_streams) == streams)
        each = (resident_bytes() - before) / streams
        gate.open()
        for sock in socks:
            sock.close()
        until(lambda: quiet(gateway), 20)
        assert each < 2 * 96 * 1024, "the fake provider and the callers live in this process too"


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
