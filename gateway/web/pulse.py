"""The writing end of a stream: says that it lives when it is silent, and gives up on readers that do not read."""

import asyncio

from gateway.web.door import Send

KEEPALIVE = b": keepalive\n\n"
KEEPALIVE_S = 15.0
WRITE_LIMIT_S = 60.0


class Pulse:
    """One timer a stream, re-armed every few seconds; nothing per chunk but two assignments."""

    __slots__ = ("_beating", "_handle", "_last", "_loop", "_send", "_since", "_work", "every_s")

    def __init__(self, send: Send, every_s: float = KEEPALIVE_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._send = send
        self._work = asyncio.current_task()
        self._last = self._loop.time()
        self._since: float | None = None
        self._beating: asyncio.Task[None] | None = None
        self.every_s = every_s
        self._handle = self._loop.call_later(every_s, self._beat)

    async def send(self, data: bytes) -> None:
        if data:
            self._since = self._loop.time()
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
            self._last = self._since
            self._since = None

    def stop(self) -> None:
        self._handle.cancel()
        if self._beating is not None:
            self._beating.cancel()

    def _beat(self) -> None:
        now = self._loop.time()
        if self._since is not None:
            if now - self._since >= WRITE_LIMIT_S and self._work is not None:
                self._work.cancel()
                return
        elif now - self._last >= self.every_s * 0.9:
            self._beating = self._loop.create_task(self._keep_alive())
            self._last = now
        self._handle = self._loop.call_later(self.every_s, self._beat)

    async def _keep_alive(self) -> None:
        await self._send({"type": "http.response.body", "body": KEEPALIVE, "more_body": True})
