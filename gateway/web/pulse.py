"""The writing end of a stream: says that it lives when it is silent, but never to a reader that does not read."""

import asyncio

from gateway.web.door import Send, line_of

KEEPALIVE = b": keepalive\n\n"
KEEPALIVE_S = 15.0


class Pulse:
    """One timer a stream, re-armed every few seconds; nothing per chunk but an assignment."""

    __slots__ = ("_beating", "_handle", "_keepalive", "_last", "_late", "_loop", "_push", "_send", "_stuck", "every_s")

    def __init__(self, send: Send, keepalive: bytes = KEEPALIVE, every_s: float = KEEPALIVE_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._send = send
        line = line_of(send)
        self._push = None if line is None else line.push
        self._late = b""
        self._keepalive = keepalive
        self._last = self._loop.time()
        self._stuck = False
        self._beating: asyncio.Task[None] | None = None
        self.every_s = every_s
        self._handle = self._loop.call_later(every_s, self._beat)

    def say(self, data: bytes) -> bool:
        """Without waiting; after a False nothing more may be said before `heard`."""
        self._last = self._loop.time()
        if not data:
            return True
        if self._push is not None:
            return self._push(data)
        self._late += data
        return False

    async def heard(self) -> None:
        """Waits until the reader has room for more."""
        late, self._late = self._late, b""
        self._stuck = True
        await self._send({"type": "http.response.body", "body": late, "more_body": True})
        self._stuck = False
        self._last = self._loop.time()

    def stop(self) -> None:
        self._handle.cancel()
        if self._beating is not None:
            self._beating.cancel()

    def _beat(self) -> None:
        wait_s = self.every_s - (self._loop.time() - self._last)
        if wait_s <= self.every_s * 0.01:
            wait_s = self.every_s
            if not self._stuck:
                self._speak()
        self._handle = self._loop.call_later(wait_s, self._beat)

    def _speak(self) -> None:
        if not self.say(self._keepalive) and self._push is None:
            self._beating = self._loop.create_task(self.heard())
