"""Streams: a provider that says one chunk at a time, callers that read them, and the CPU a gateway spends on each.

Run as a program it is that provider.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from tests.bench.load import LoadError, Target
from tests.bench.machine import LOAD_CORE, cpu_s, free_port, running

CHUNKS = 200
PACE_S = 0.01
CALLERS = 48
END = b"data: [DONE]\n\n"


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-abc123",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-2024-08-06",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


WORD = event({"content": " there"})
LAST = event({}, "stop")


@contextmanager
def talker() -> Iterator[int]:
    """The provider, in a process of its own; its port."""
    port = free_port()
    with running([sys.executable, "-m", "tests.bench.streams", str(port)], port, LOAD_CORE):
        yield port


def cpu_us_a_chunk(target: Target, process: int, rounds: int = 2) -> float:
    """What the process spends on passing one chunk on, with many streams under way."""
    before = cpu_s(process)
    chunks = sum(uvloop.run(listen(target, CALLERS)) for _ in range(rounds))
    if chunks < rounds * CALLERS * CHUNKS:
        raise LoadError(f"{target.name}: {chunks} chunks came")
    return (cpu_s(process) - before) / chunks * 1e6


async def listen(target: Target, callers: int) -> int:
    """How many chunks all of them heard."""
    return sum(await asyncio.gather(*(_caller(target) for _ in range(callers))))


async def _caller(target: Target) -> int:
    body = json.dumps({**json.loads(target.body), "stream": True}).encode()
    lines = [f"POST {target.path} HTTP/1.1", "Host: bench", "Connection: close", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in target.headers]
    lines += [f"Content-Length: {len(body)}", "", ""]
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    writer.write("\r\n".join(lines).encode() + body)
    heard = 0
    tail = b""
    while data := await asyncio.wait_for(reader.read(65536), 30):
        seen = tail + data
        heard += seen.count(b"data: ")
        tail = seen[-5:] if not seen.endswith(b"data: ") else b""
        if END.strip() in seen:
            break
    writer.close()
    return heard


class Talker(asyncio.Protocol):
    """Answers every request with the same stream."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._left = 0

    def data_received(self, data: bytes) -> None:
        if b"POST " in data:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            self._transport.write(head)  # type: ignore[attr-defined]
            self._left = CHUNKS
            self._next()
        elif b"GET " in data:  # somebody asks how we are, or which models there are
            said = b'{"object":"list","data":[{"id":"gpt-4o","object":"model"}]}'
            self._transport.write(  # type: ignore[attr-defined]
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)
            )

    def _next(self) -> None:
        if self._transport.is_closing():
            return
        self._left -= 1
        self._say(WORD if self._left >= 0 else LAST + END)
        if self._left >= 0:
            asyncio.get_running_loop().call_later(PACE_S, self._next)
        else:
            self._transport.write(b"0\r\n\r\n")  # type: ignore[attr-defined]

    def _say(self, words: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(words), words))  # type: ignore[attr-defined]


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Talker, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
