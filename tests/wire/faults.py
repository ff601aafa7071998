"""A TCP proxy that does harm: put it before a provider, a store, a database."""

import asyncio
import contextlib
import socket
import struct
from typing import Any

from tests.wire.thread import LoopThread


class FaultProxy(LoopThread):
    """Forwards to (host, port); the attributes can be changed at any time and hold from the next bytes on."""

    latency_s = 0.0
    slice_bytes: int | None = None
    """Cut what goes to the client into writes of so many bytes."""
    hole = False
    """Reads nothing, says nothing, accepts."""
    cut_after: int | None = None
    """After so many bytes to the client the connection is closed."""
    reset_after: int | None = None
    """After so many bytes to the client the connection is reset."""
    refuse = False
    """New connections are reset at once."""
    corrupt_at: int | None = None
    """The byte at this place of what goes to the client is flipped."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.accepted = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset_all(self) -> None:
        """Every connection that is open now is reset."""

        def reset() -> None:
            for writer in list(self._writers):
                _reset(writer)

        self.loop.call_soon_threadsafe(reset)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.notify()
        if self.refuse:
            _reset(writer)
            return
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, OSError, asyncio.CancelledError):
            back_reader, back = await asyncio.open_connection(*self._target)
            self._writers.add(back)
            try:
                ways = [self._pump(reader, back, harm=False), self._pump(back_reader, writer, harm=True)]
                await asyncio.gather(*ways)
            finally:
                self._writers.discard(back)
                back.transport.abort()
        self._writers.discard(writer)
        writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, harm: bool) -> None:
        passed = 0
        while True:
            while self.hole:
                await asyncio.sleep(0.005)
            data = await source.read(65536)
            if not data:
                if sink.can_write_eof():
                    sink.write_eof()
                return
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            while self.hole:
                await asyncio.sleep(0.005)
            if not harm:
                sink.write(data)
                await sink.drain()
                continue
            if self.corrupt_at is not None and passed <= self.corrupt_at < passed + len(data):
                at = self.corrupt_at - passed
                data = data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]
            passed = await self._send(sink, data, passed)

    async def _send(self, sink: asyncio.StreamWriter, data: bytes, passed: int) -> int:
        step = self.slice_bytes or len(data)
        limits = [limit for limit in (self.cut_after, self.reset_after) if limit is not None]
        left = max(0, min(limits) - passed) if limits else len(data)
        for at in range(0, min(len(data), left), step):
            sink.write(data[at : min(at + step, left)])
            await sink.drain()
            await asyncio.sleep(0)
        if len(data) >= left and limits:
            if self.reset_after is not None:
                _reset(sink)
            raise ConnectionResetError
        return passed + len(data)


def _reset(writer: Any) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
