"""The server: reads whole requests from raw sockets, picks the scripted answer, and keeps what it saw."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from tests.canaries import OURS
from tests.wire.request import RequestReader, Seen
from tests.wire.scenarios import SCENARIOS, default_answer
from tests.wire.scripted import Scripted
from tests.wire.thread import PATIENCE_S, LoopThread
from tests.wire.tls import Authority, Variant

__all__ = ["Connection", "Gate", "Seen", "Wire"]

Say = Scripted | Callable[[Seen], Scripted]


class Gate:
    """Holds an answer back until the test opens it; knows who waits."""

    def __init__(self, wire: "Wire") -> None:
        self._wire = wire
        self._event = asyncio.Event()
        self._waiting = 0

    def open(self) -> None:
        self._wire.loop.call_soon_threadsafe(self._event.set)

    def wait_reached(self, count: int = 1, timeout: float = PATIENCE_S) -> None:
        self._wire.wait_until(lambda: self._waiting >= count, timeout, f"{count} answers stood at the gate")

    async def passed(self) -> None:
        self._waiting += 1
        self._wire.notify()
        await self._event.wait()


@dataclass
class Connection:
    """One accepted connection, from accept to end."""

    id: int
    opened: float
    closed: float | None = None
    how: Literal["FIN", "RST", "us"] | None = None
    """Who ended it and how: FIN or RST from the client, or the script (`us`)."""
    bytes_in: int = 0
    bytes_out: int = 0
    requests: list[Seen] = field(default_factory=list)
    peer: tuple[str, int] | None = None


@dataclass
class _Rule:
    says: list[Say]
    path: str | None
    model: str | None
    when: Callable[[Seen], bool] | None
    always: bool

    def fits(self, seen: Seen) -> bool:
        return (
            bool(self.says)
            and (self.path is None or seen.path == self.path)
            and (self.model is None or seen.model == self.model)
            and (self.when is None or self.when(seen))
        )

    def next(self) -> Say:
        return self.says[0] if self.always and len(self.says) == 1 else self.says.pop(0)


class Wire(LoopThread):
    """`with Wire() as wire:` – a provider on `wire.url` that says what it was told to say."""

    def __init__(
        self,
        *,
        tls: Variant | None = None,
        authority: Authority | None = None,
        names: tuple[str, ...] = ("127.0.0.1", "localhost"),
        host: str = "127.0.0.1",
        mute: bool = False,
    ) -> None:
        """`mute`: accepts and never says or reads anything (a TLS handshake hangs)."""
        super().__init__()
        self.requests: list[Seen] = []
        self.connections: list[Connection] = []
        self.on_accept: Literal["serve", "reset", "close"] = "serve"
        self.default: Callable[[Seen], Scripted] = default_answer
        self.leaks: list[str] = []
        self._rules: list[_Rule] = []
        self._tls, self._names, self._host, self._mute = tls, names, host, mute
        self._authority = authority
        self._open: set[_Line] = set()

    # what a test says

    def script(
        self,
        *says: Say,
        path: str | None = None,
        model: str | None = None,
        when: Callable[[Seen], bool] | None = None,
        always: bool = False,
    ) -> None:
        """Queue answers for the requests that fit, `always` keeps the last one; the first rule that fits wins."""
        self._rules.append(_Rule(list(says), path, model, when, always))

    def forget(self) -> None:
        """Drop what was scripted and seen."""
        self._rules.clear()
        self.requests.clear()

    def gate(self) -> Gate:
        return Gate(self)

    def drop_all(self, how: Literal["close", "reset"] = "close") -> None:
        """End every open connection now."""

        def drop() -> None:
            for line in list(self._open):
                line.end(how)

        self.loop.call_soon_threadsafe(drop)

    # what a test asks

    @property
    def scheme(self) -> str:
        return "https" if self._tls else "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self._host}:{self.port}"

    @property
    def host(self) -> str:
        return self._host

    @cached_property
    def authority(self) -> Authority:
        return self._authority or Authority()

    @property
    def ca_file(self) -> str:
        return self.authority.ca_file

    @property
    def open_connections(self) -> list[Connection]:
        return [connection for connection in self.connections if connection.closed is None]

    def wait_requests(self, count: int, timeout: float = PATIENCE_S) -> list[Seen]:
        self.wait_until(lambda: len(self.requests) >= count, timeout, f"{count} requests came")
        return self.requests[:count]

    def wait_connections(self, count: int, timeout: float = PATIENCE_S) -> list[Connection]:
        self.wait_until(lambda: len(self.connections) >= count, timeout, f"{count} connections came")
        return self.connections[:count]

    def wait_closed(self, connection: Connection | int = -1, timeout: float = PATIENCE_S) -> Connection:
        """Wait until this connection (or the one of this index) is over."""
        it = self.connections[connection] if isinstance(connection, int) else connection
        self.wait_until(lambda: it.closed is not None, timeout, f"connection {it.id} ended")
        return it

    def wait_all_closed(self, timeout: float = PATIENCE_S) -> None:
        self.wait_until(lambda: not self.open_connections, timeout, "all connections ended")

    # the life of the server

    async def _start(self) -> None:
        context = self.authority.server_context(self._tls, self._names) if self._tls else None
        kind = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._server = await self.loop.create_server(
            lambda: _Line(self), self._host, 0, ssl=None if self._mute else context, family=kind, backlog=1024
        )
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        self._server.close()
        for line in list(self._open):
            line.end("close")
        if self._authority is None and "authority" in self.__dict__:
            self.authority.close()

    def __exit__(self, *about: object) -> None:
        super().__exit__(*about)
        assert not self.leaks, f"a secret of ours went to a provider: {self.leaks[0]}"

    def _answer(self, seen: Seen) -> Scripted:
        if any(secret in seen.head or secret in seen.body for secret in OURS):
            self.leaks.append(f"{seen.method} {seen.target}")
        for rule in self._rules:
            if rule.fits(seen):
                says = rule.next()
                return says if isinstance(says, Scripted) else says(seen)
        named = (seen.model or "").removeprefix("f/")
        return SCENARIOS[named] if named in SCENARIOS else self.default(seen)


class _Line(asyncio.Protocol):
    """One connection: requests are answered one after the other."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._reader = RequestReader()
        self._waiting: asyncio.Queue[Seen] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._eof = self._over = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._connection = Connection(len(self._wire.connections), time.monotonic(), peer=peer)
        self._wire.connections.append(self._connection)
        self._wire._open.add(self)
        if self._wire.on_accept != "serve":
            self.end(self._wire.on_accept)
        self._wire.notify()

    def data_received(self, data: bytes) -> None:
        self._connection.bytes_in += len(data)
        if self._wire._mute:
            return
        for seen in self._reader.feed(data, self._connection.id):
            self._connection.requests.append(seen)
            self._wire.requests.append(seen)
            self._waiting.put_nowait(seen)
            if self._task is None:
                self._task = self._wire.loop.create_task(self._serve())
        self._wire.notify()

    def eof_received(self) -> bool:
        self._eof = True
        self._note("FIN")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._wire._open.discard(self)
        self._writable.set()
        self._note("RST" if isinstance(exc, ConnectionError) else "FIN" if self._eof else "us")
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def end(self, how: str) -> None:
        if self._over:
            return
        match how:
            case "close":
                self._over = True
                self._transport.close()
            case "reset":
                self._over = True
                _linger_zero(self._transport.get_extra_info("socket"))
                self._transport.abort()
            case "half_close":
                self._transport.write_eof()

    def _note(self, how: Literal["FIN", "RST", "us"]) -> None:
        if self._connection.closed is None:
            self._connection.closed = time.monotonic()
            self._connection.how = how
        self._wire.notify()

    async def _serve(self) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while not self._over:
                seen = await self._waiting.get()
                said = self._wire._answer(seen)
                await self._say(said)
                if said.closes == "silent":
                    await asyncio.Event().wait()
                self.end(said.closes)

    async def _say(self, said: Scripted) -> None:
        if said.gate is not None:
            await said.gate.passed()
        await _pause(said.delay_head_s)
        for head in said.informational:
            await self._write(head)
        pieces = said.writes()
        apart = bool(said.delay_body_s or said.body_gate or said.pace_s or said.split or len(pieces) > 1)
        if apart or said.cut_after is not None:
            await self._write(said.head())
        else:
            pieces = (said.head() + b"".join(pieces),)
        await _pause(said.delay_body_s)
        await self._say_body(said, pieces)

    async def _say_body(self, said: Scripted, pieces: tuple[bytes, ...]) -> None:
        left = said.cut_after
        for index, piece in enumerate(pieces):
            if said.stall_after is not None and index >= said.stall_after:
                await asyncio.Event().wait()
            if index == 1 and said.body_gate is not None:
                await said.body_gate.passed()
            if index:
                await asyncio.sleep(said.pace_s)
            if left is not None:
                piece, left = piece[:left], left - len(piece[:left])
            await self._write(piece)
            if left == 0:
                return

    async def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(data)
        self._connection.bytes_out += len(data)
        await self._writable.wait()


async def _pause(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _linger_zero(sock: Any) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
