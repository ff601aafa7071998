"""The writing end of a stream: says that it lives when it is silent, but never to a reader that does not read."""

import asyncio

from gateway.web.door import Send

KEEPALIVE = b": keepalive\n\n"
KEEPALIVE_S = 15.0


class Pulse:
    """One timer a stream, re-armed every few seconds; nothing per chunk but two assignments."""

    __slots__ = ("_beating", "_handle", "_keepalive", "_last", "_loop", "_send", "_stuck", "every_s")

    def __init__(self, send: Send, keepalive: bytes = KEEPALIVE, every_s: float = KEEPALIVE_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._send = send
        self._keepalive = keepalive
        self._last = self._loop.time()
        self._stuck = False
        self._beating: asyncio.Task[None] | None = None
        self.every_s = every_s
        self._handle = self._loop.call_later(every_s, self._beat)

    async def send(self, data: bytes) -> None:
        if data:
            self._stuck = True
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
            self._stuck = False
            self._last = self._loop.time()

    def stop(self) -> None:
        self._handle.cancel()
        if self._beating is not None:
            self._beating.cancel()

    def _beat(self) -> None:
        now = self._loop.time()
        if not self._stuck and now - self._last >= self.every_s * 0.9:
            self._beating = self._loop.create_task(self._keep_alive())
            self._last = now
        self._handle = self._loop.call_later(self.every_s, self._beat)

    async def _keep_alive(self) -> None:
        await self._send({"type": "http.response.body", "body": self._keepalive, "more_body": True})
