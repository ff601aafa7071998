"""How our HTTP client compares with aiohttp: `python -m tests.bench.upstream_client`, prints ratios, fails nothing.

The provider is nginx (or, without one, a small server of ours) on another core; streams come from a server that
writes one chunk at a time. Rounds are interleaved, medians are shown. CPU is that of this process.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from gateway.clock import SystemClock
from gateway.domain.call import Call, Patience, Reply
from gateway.upstream.send import Upstream
from gateway.upstream.stream import OpenStream
from tests.builders import a_provider
from tests.wire import openai_chat
from tests.wire.openai import stream_chunk

BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello! " * 12}]}).encode()
HEADERS = (("Authorization", "Bearer sk-bench"), ("Content-Type", "application/json"))
CORES = sorted(os.sched_getaffinity(0))
CHUNKS = 200
PACE_S = 0.01
ANSWER = openai_chat("Hello there! How can I help you today?").pieces()[0]
EVENT = b"data: " + json.dumps(stream_chunk({"content": " there"})).encode() + b"\n\n"

NGINX = """
worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 60s; tcp_nodelay on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{answer}'; }} }}
}}
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--concurrency", type=int, default=64)
    arguments.add_argument("--serve-streams", type=int, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.serve_streams:
        uvloop.run(serve(given.serve_streams))
        return
    pin(0)
    with nginx() as whole_url, stream_server() as stream_url:
        uvloop.run(compare(whole_url, stream_url, given.seconds, given.rounds, given.concurrency))


async def compare(whole_url: str, stream_url: str, seconds: float, rounds: int, concurrency: int) -> None:
    upstream = Upstream(clock=SystemClock())
    provider = a_provider(base_url=whole_url, max_concurrency=10_000)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        clients: dict[str, Ours | Theirs] = {"ours": Ours(upstream, provider), "aiohttp": Theirs(session)}
        whole: dict[str, list[tuple[float, float]]] = {"ours": [], "aiohttp": []}
        stream: dict[str, list[tuple[float, float]]] = {"ours": [], "aiohttp": []}
        for _ in range(rounds):
            for name, client in clients.items():
                whole[name].append(await many(partial(client.whole, whole_url), seconds, concurrency))
                stream[name].append(await many(partial(client.stream, stream_url), seconds, concurrency))
        show("whole replies/s", whole, 0, better=1)
        show("CPU µs per whole reply", whole, 1, better=-1)
        show(f"CPU µs per chunk of a stream ({concurrency} streams)", stream, 1, better=-1)
    await upstream.aclose()


class Ours:
    def __init__(self, upstream: Upstream, provider: object) -> None:
        self._upstream, self._provider = upstream, provider

    async def whole(self, url: str) -> int:
        call = Call(url=url + "/v1/chat/completions", headers=HEADERS, body=BODY)
        reply = await self._upstream.send(self._provider, call, patience())  # type: ignore[call-overload]
        if not isinstance(reply, Reply) or reply.body != ANSWER:
            raise SystemExit(f"unexpected: {reply}")
        return 1

    async def stream(self, url: str) -> int:
        call = Call(url=url + "/v1/chat/completions", headers=HEADERS, body=BODY)
        stream = await self._upstream.open(self._provider, call, patience())  # type: ignore[arg-type]
        if not isinstance(stream, OpenStream):
            raise SystemExit(f"unexpected: {stream}")
        chunks = 0
        while data := await stream.read():
            chunks += isinstance(data, bytes)
        return chunks


class Theirs:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def whole(self, url: str) -> int:
        async with self._session.post(url + "/v1/chat/completions", data=BODY, headers=dict(HEADERS)) as answer:
            if await answer.read() != ANSWER:
                raise SystemExit("unexpected answer")
        return 1

    async def stream(self, url: str) -> int:
        chunks = 0
        async with self._session.post(url + "/v1/chat/completions", data=BODY, headers=dict(HEADERS)) as answer:
            async for _ in answer.content.iter_any():
                chunks += 1
        return chunks


def patience() -> Patience:
    return Patience(connect_s=2.0, first_byte_s=60.0, idle_s=30.0, until=time.monotonic() + 600.0)


async def many(one: Callable[[], Awaitable[int]], seconds: float, concurrency: int) -> tuple[float, float]:
    """Pieces a second, and CPU microseconds a piece."""
    end = time.perf_counter() + seconds
    done = 0

    async def loop() -> None:
        nonlocal done
        while time.perf_counter() < end:
            more = await one()
            done += more

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(loop() for _ in range(concurrency)))
    return done / (time.perf_counter() - began), (time.process_time() - cpu) / done * 1e6


def show(what: str, figures: dict[str, list[tuple[float, float]]], index: int, *, better: int) -> None:
    medians = {name: statistics.median(figure[index] for figure in found) for name, found in figures.items()}
    ratio = (medians["ours"] / medians["aiohttp"]) ** better
    print(f"{what}: ours {medians['ours']:,.1f}, aiohttp {medians['aiohttp']:,.1f}, ratio {ratio:.2f}")


# what answers


@contextlib.contextmanager
def nginx() -> Iterator[str]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        print("no nginx here: whole replies come from a Python server, which is then the slower half")
        with stream_server() as url:
            yield url + "/whole"
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port, answer=ANSWER.decode()))
        with running([program, "-p", folder, "-c", str(config), "-e", f"{folder}/error.log"], port):
            yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def stream_server() -> Iterator[str]:
    port = free_port()
    with running([sys.executable, "-m", "tests.bench.upstream_client", "--serve-streams", str(port)], port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command)
    pin(1, process.pid)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Talker, "127.0.0.1", port)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.close()


class Talker(asyncio.Protocol):
    """A whole answer at once under /whole, else a stream, one chunk a tick."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._left = 0

    def data_received(self, data: bytes) -> None:
        if b"POST /whole" in data:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)
            self._transport.write(head + ANSWER)  # type: ignore[attr-defined]
        elif b"POST " in data:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            self._transport.write(head)  # type: ignore[attr-defined]
            self._left = CHUNKS
            asyncio.get_running_loop().call_later(PACE_S, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        self._left = 0

    def _tick(self) -> None:
        if not self._left:
            return
        self._transport.write(b"%x\r\n%s\r\n" % (len(EVENT), EVENT))  # type: ignore[attr-defined]
        self._left -= 1
        if self._left:
            asyncio.get_running_loop().call_later(PACE_S, self._tick)
        else:
            self._transport.write(b"0\r\n\r\n")  # type: ignore[attr-defined]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def pin(core: int, process: int = 0) -> None:
    os.sched_setaffinity(process, {CORES[core % len(CORES)]})


if __name__ == "__main__":
    main()
