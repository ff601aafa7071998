"""The writing end of a stream: says that it lives when it is silent, but never to a reader that does not read."""

import asyncio

from gateway.web.door import Send, line_of

KEEPALIVE = b": keepalive\n\n"
KEEPALIVE_S = 15.0
LOOKS = 5
"""How often it is looked, in that time, whether anything was said."""


class Pulse:
    """One timer a stream looks every few seconds whether anything was said; nothing per chunk but an assignment."""

    __slots__ = (
        "_beating",
        "_handle",
        "_keepalive",
        "_late",
        "_look_s",
        "_loop",
        "_push",
        "_send",
        "_silent",
        "_spoke",
        "_stuck",
    )

    def __init__(self, send: Send, keepalive: bytes = KEEPALIVE, every_s: float = KEEPALIVE_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._send = send
        line = line_of(send)
        self._push = None if line is None else line.push
        self._late = b""
        self._keepalive = keepalive
        self._spoke = True
        self._silent = 0
        self._stuck = False
        self._beating: asyncio.Task[None] | None = None
        self._look_s = every_s / LOOKS
        self._handle = self._loop.call_later(self._look_s, self._look)

    def say(self, data: bytes) -> bool:
        """Without waiting; after a False nothing more may be said before `heard`."""
        if not data:
            return True
        self._spoke = True
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
        self._spoke = True

    def stop(self) -> None:
        self._handle.cancel()
        if self._beating is not None:
            self._beating.cancel()

    def _look(self) -> None:
        self._silent = 0 if self._spoke else self._silent + 1
        self._spoke = False
        if self._silent >= LOOKS and not self._stuck:
            self._speak()
        self._handle = self._loop.call_later(self._look_s, self._look)

    def _speak(self) -> None:
        if not self.say(self._keepalive) and self._push is None:
            self._beating = self._loop.create_task(self.heard())
