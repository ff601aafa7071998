"""A thousand streams at once: how late their chunks come, and how much memory each of them takes.

Run as a program it is the provider, who writes the time into each chunk.
"""

import asyncio
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop
from msgspec import Struct

from tests.bench.load import LoadError, Target
from tests.bench.machine import LOAD_CORE, cpu_s, free_port, running
from tests.bench.streams import event

STREAMS = 1000
CHUNKS_A_SECOND = 20
SLOTS = 25
"""The streams do not all speak in the same moment."""
OPENING_S = 60.0
STAMP = re.compile(rb'"content":" ([0-9.]+)"')


class Crowd(Struct, frozen=True, kw_only=True):
    late_ms: float
    """Of a hundred chunks, how late the second worst came, from the provider's write to the caller's read."""
    kib_a_stream: float
    share: float
    """Of its core, that the gateway needed."""


@contextmanager
def talker() -> Iterator[int]:
    """The provider, in a process of its own; its port."""
    port = free_port()
    with running([sys.executable, "-m", "tests.bench.crowd", str(port)], port, LOAD_CORE):
        yield port


def gather(target: Target, process: int, seconds: float, streams: int = STREAMS) -> Crowd:
    """All of them open, and then what happens for some time."""
    return uvloop.run(_gather(target, process, seconds, streams))


async def _gather(target: Target, process: int, seconds: float, streams: int) -> Crowd:
    for caller in await _open(target, 50):
        caller.leave()
    await asyncio.sleep(1.0)
    empty = memory_kib(process)
    callers = await _open(target, streams)
    await asyncio.sleep(1.0)
    for caller in callers:
        caller.late.clear()
    before, began = cpu_s(process), time.monotonic()
    await asyncio.sleep(seconds)
    share = (cpu_s(process) - before) / (time.monotonic() - began)
    full = memory_kib(process)
    late = [each for caller in callers for each in caller.late]
    for caller in callers:
        caller.leave()
    if len(late) < streams * CHUNKS_A_SECOND * seconds * 0.9:
        raise LoadError(f"{target.name}: {len(late)} chunks came")
    worst = statistics.quantiles(late, n=100)[98]
    return Crowd(late_ms=worst * 1000, kib_a_stream=(full - empty) / streams, share=share)


async def _open(target: Target, streams: int) -> "list[Caller]":
    """Some at a time, so that nobody has to wait in line for a connection."""
    callers: list[Caller] = []
    until = time.monotonic() + OPENING_S
    while len(callers) < streams:
        for _ in range(min(20, streams - len(callers))):
            _, caller = await asyncio.get_running_loop().create_connection(
                lambda: Caller(request(target)), "127.0.0.1", target.port
            )
            callers.append(caller)
        while not all(caller.late for caller in callers):
            if time.monotonic() > until:
                raise LoadError(f"{target.name}: {sum(not caller.late for caller in callers)} streams did not open")
            await asyncio.sleep(0.01)
    return callers


def request(target: Target) -> bytes:
    body = json.dumps({**json.loads(target.body), "stream": True}).encode()
    lines = [f"POST {target.path} HTTP/1.1", "Host: bench", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in target.headers]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def memory_kib(process: int) -> float:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


class Caller(asyncio.Protocol):
    """Reads the times in its chunks."""

    def __init__(self, asks: bytes) -> None:
        self._asks = asks
        self.late: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._asks)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.late += [now - float(stamp) for stamp in STAMP.findall(data)]

    def leave(self) -> None:
        self._transport.close()


class Speaker(asyncio.Protocol):
    """One connection of the provider: while it is in a slot, it says something whenever that has its turn."""

    slots: tuple[dict["Speaker", None], ...] = tuple({} for _ in range(SLOTS))
    born = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        Speaker.born += 1
        self._slot = self.slots[Speaker.born % SLOTS]

    def connection_lost(self, exc: Exception | None) -> None:
        self._slot.pop(self, None)

    def data_received(self, data: bytes) -> None:
        if b"POST " in data:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            self.transport.write(head)
            self._slot[self] = None
        elif b"GET " in data:
            said = b'{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}'
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(said)
            self.transport.write(head + said)


async def speak() -> None:
    """Slot after slot, on time."""
    turn = 0
    began = time.monotonic()
    while True:
        words = event({"content": f" {time.monotonic():.6f}"})
        said = b"%x\r\n%b\r\n" % (len(words), words)
        for speaker in tuple(Speaker.slots[turn % SLOTS]):
            speaker.transport.write(said)
        turn += 1
        await asyncio.sleep(max(0.0, began + turn / (SLOTS * CHUNKS_A_SECOND) - time.monotonic()))


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Speaker, "127.0.0.1", port, backlog=4096)
    async with server:
        await speak()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
