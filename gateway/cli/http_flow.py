"""How much stands between a connection and its caller: when to read no more, and when nobody reads what is written."""

import asyncio

LEAST_READ_BYTES = 64 * 1024
"""Whoever takes less of a waiting answer than this within the limit is not reading it."""


class Flow:
    """Stops and goes on for both directions; a caller who reads too slowly for too long is hung up on."""

    __slots__ = ("_limit_s", "_loop", "_room", "_timer", "_transport", "_unread", "read_paused", "write_paused")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, write_limit_s: float) -> None:
        self._transport = transport
        self._loop = loop
        self._limit_s = write_limit_s
        self._room: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread = 0
        self.read_paused = False
        self.write_paused = False

    def pause_reading(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self.read_paused:
            self.read_paused = False
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        if not self.write_paused:
            self.write_paused = True
            self._room = asyncio.Event()
            self._wait_for_reader()

    def resume_writing(self) -> None:
        self.write_paused = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._room is not None:
            self._room.set()
            self._room = None

    async def drain(self) -> None:
        """Until there is room for more."""
        if self._room is not None:
            await self._room.wait()

    def _wait_for_reader(self) -> None:
        self._unread = self._transport.get_write_buffer_size()
        self._timer = self._loop.call_later(self._limit_s, self._not_read)

    def _not_read(self) -> None:
        """Slow readers are waited for as long as they read; a closing handshake would wait for the others forever."""
        if self._unread - self._transport.get_write_buffer_size() >= LEAST_READ_BYTES:
            self._wait_for_reader()
        else:
            self._timer = None
            self._transport.abort()
