"""A client under test: it is closed at the end, and then nothing may be left open."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from gateway.clock import Clock, SystemClock
from gateway.domain.call import Call, Patience, Reply
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.upstream.bounds import Bounds
from gateway.upstream.names import Lookup
from gateway.upstream.send import Upstream
from gateway.upstream.stream import OpenStream
from tests.builders import a_provider
from tests.wire import Wire

HEADERS = (("Authorization", "Bearer sk-CANARY-upstream"), ("Content-Type", "application/json"))


class Lab:
    """One `Upstream`, one provider on the wire, and calls to it."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        bounds: Bounds | None = None,
        lookup: Lookup | None = None,
        **more: Any,
    ) -> None:
        self.clock = clock or SystemClock()
        self.upstream = Upstream(clock=self.clock, bounds=bounds or Bounds(), lookup=lookup)
        self.url = url
        self.provider: Provider = a_provider(base_url=url, **more)

    def call(self, model: str = "m", *, stream: bool = False, path: str = "/v1/chat/completions", **more: Any) -> Call:
        body = json.dumps({"model": model, "stream": stream}).encode()
        return Call(**{"url": self.url + path, "headers": HEADERS, "body": body, **more})

    def patience(self, **more: float) -> Patience:
        given = {"connect_s": 2.0, "first_byte_s": 5.0, "idle_s": 5.0, "until": self.clock.monotonic() + 10.0}
        return Patience(**{**given, **more})

    async def send(self, model: str = "m", *, patience: Patience | None = None, **more: Any) -> Reply | Failure:
        return await self.upstream.send(self.provider, self.call(model, **more), patience or self.patience())

    async def open(
        self, model: str = "m", *, patience: Patience | None = None, **more: Any
    ) -> OpenStream | Reply | Failure:
        call = self.call(model, stream=True, **more)
        return await self.upstream.open(self.provider, call, patience or self.patience())

    async def reply(self, model: str = "m", **more: Any) -> Reply:
        reply = await self.send(model, **more)
        assert isinstance(reply, Reply), reply
        return reply

    async def failure(self, model: str = "m", **more: Any) -> Failure:
        failure = await self.send(model, **more)
        assert isinstance(failure, Failure), failure
        return failure

    async def stream(self, model: str = "m", **more: Any) -> OpenStream:
        stream = await self.open(model, **more)
        assert isinstance(stream, OpenStream), stream
        return stream

    @property
    def in_use(self) -> int:
        return sum(pool.in_use for pool in self.upstream._pools.values())

    @property
    def connections(self) -> int:
        return sum(len(pool.connections) for pool in self.upstream._pools.values())


async def read_all(stream: OpenStream) -> tuple[bytes, Failure | None]:
    out = b""
    while data := await stream.read():
        if isinstance(data, Failure):
            return out, data
        out += data
    return out, None


async def pour_all(stream: OpenStream) -> tuple[bytes, Failure | None]:
    """The same, told as it is heard; now and then the listener has enough for a moment."""
    told: list[bytes | Failure] = []

    def hear(data: bytes | Failure) -> bool:
        told.append(data)
        return len(told) % 7 != 0

    while not told or (told[-1] and not isinstance(told[-1], Failure)):
        await stream.pour(hear)
    end = told.pop()
    return b"".join(data for data in told if isinstance(data, bytes)), end if isinstance(end, Failure) else None


TAKING = (read_all, pour_all)


def run(kind: str, main: Callable[[Lab], Awaitable[None]], url: str = "http://127.0.0.1:9", **more: Any) -> None:
    """Run it on that event loop; at the end every place is free, and no task and no file is left."""

    async def whole() -> None:
        files = open_files()
        lab = Lab(url, **more)
        await main(lab)
        assert lab.in_use == 0
        await lab.upstream.aclose()
        assert lab.connections == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for _ in range(1000):
            if open_files() <= files:
                break
            await asyncio.sleep(0.001)  # transports close their files a turn later
        assert open_files() <= files

    unhandled: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if kind == "uvloop" else asyncio.new_event_loop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        runner.run(whole())
    assert not unhandled


def open_files() -> int:
    """Sockets of this process, where they can be seen; the wire's ends are among them."""
    count = 0
    for file in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):
            count += str(file.readlink()).startswith("socket:")
    return count


class Hand:
    """A clock that a test moves; the timers of the loop do not follow it."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def unix(self) -> float:
        return time.time() + self.skipped


__all__ = ["HEADERS", "TAKING", "Hand", "Lab", "Wire", "pour_all", "read_all", "run"]
