"""An outbound HTTP proxy, faked: CONNECT tunnels and absolute-form requests, obedient or not."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Literal

from tests.wire.request import RequestReader, Seen
from tests.wire.thread import LoopThread


class ConnectProxy(LoopThread):
    """`addresses` says where a name really is, so that any host can be asked for."""

    def __init__(
        self,
        *,
        addresses: Mapping[str, tuple[str, int]] | None = None,
        does: Literal["serve", "refuse", "want_login", "babble", "hang", "close"] = "serve",
    ) -> None:
        super().__init__()
        self.requests: list[Seen] = []
        self._addresses = dict(addresses or {})
        self._does = does
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen = next(RequestReader().feed(head, 0), None) or _seen_head(head)
        self.requests.append(seen)
        self.notify()
        if self._does != "serve":
            await self._misbehave(reader, writer)
            return
        host, _, port = seen.target.partition("://")[2].partition("/")[0].partition(":")
        if seen.method == "CONNECT":
            host, _, port = seen.target.rpartition(":")
        address = self._addresses.get(host, (host, int(port or "80")))
        back_reader, back = await asyncio.open_connection(*address)
        self._writers.add(back)
        try:
            if seen.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
            else:
                back.write(head)
            await _either(_pump(reader, back), _pump(back_reader, writer))
        finally:
            self._writers.discard(back)
            back.transport.abort()

    async def _misbehave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match self._does:
            case "refuse":
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            case "want_login":
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            case "babble":
                writer.write(b"220 smtp.example ESMTP ready\r\n\r\n")
            case "hang":
                await reader.read()
        await writer.drain()


def _seen_head(head: bytes) -> Seen:
    bare = head.lower().find(b"content-length")
    return next(RequestReader().feed(head[:bare] + b"X-Was-" + head[bare:], 0))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()


async def _either(*ways: object) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
