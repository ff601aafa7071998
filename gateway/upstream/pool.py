"""The connections to one provider: how many calls at once, which connection is used again, which is closed."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable

from gateway.clock import Clock
from gateway.upstream.bounds import Bounds
from gateway.upstream.connection import Connection
from gateway.upstream.letter import Letters, Origin

SWEEP_S = 5.0
TURNS_TO_CLOSE = 10
"""Of the event loop, until aborted transports have said goodbye."""


class Pool:
    """A place is taken before a connection and given back with it, whatever becomes of the call."""

    __slots__ = (
        "_clock", "_idle", "_idle_s", "_on_empty", "_queue", "_sweep", "connections", "in_use", "letters", "retired",
    )  # fmt: skip

    def __init__(self, clock: Clock, bounds: Bounds, on_empty: "Callable[[Pool], None]") -> None:
        self._clock = clock
        self._idle_s = bounds.idle_s
        self._on_empty = on_empty
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._queue: deque[asyncio.Future[bool]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self.connections: set[Connection] = set()
        self.in_use = 0
        self.letters = Letters()
        self.retired = False

    # places

    async def wait_in_line(self, wait_s: float) -> bool:
        """Take the place of somebody who leaves; False when none came free in time."""
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        timer = asyncio.get_running_loop().call_later(max(0.0, wait_s), _give_up, place)
        given = False
        try:
            given = await place
            return given
        finally:
            timer.cancel()
            if not given:
                self._leave_line(place)

    def leave(self) -> None:
        """Give a place to whoever waits longest, or back."""
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(True)
                return
        self.in_use -= 1
        if self.retired and self.in_use == 0:
            self._on_empty(self)

    # connections

    def take_idle(self, origin: Origin, now: float) -> Connection | None:
        """The one used last, if one is left that the other side will not have closed by now."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.open and now < connection.idle_until:
                connection.leased = True
                return connection
            connection.abort()
        return None

    def adopt(self, connection: Connection) -> Connection:
        """A new connection, in use from the start."""
        connection.leased = True
        self.connections.add(connection)
        return connection

    def give_back(self, connection: Connection | None) -> None:
        """The call is over; its connection, if it had one, is kept if it is good. May be said twice of the same one."""
        if connection is None:
            self.leave()
            return
        if not connection.leased:
            return
        connection.leased = False
        if connection.finish() and connection.heard_at < connection.old_at and not self.retired:
            head, kept_s = connection.answer.head, self._idle_s
            if head is not None and head.keep_alive_s is not None:
                kept_s = min(kept_s, head.keep_alive_s - 1.0)
            connection.idle_until = connection.heard_at + kept_s
            self._idle[connection.origin].append(connection)
            if self._sweep is None:
                self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep_idle)
        else:
            connection.abort()
        if self._queue or self.retired:
            self.leave()
        else:
            self.in_use -= 1

    def drop(self, connection: Connection) -> None:
        """The connection is of no use; the place is not given up."""
        connection.leased = False
        connection.finish()
        connection.abort()

    def lost(self, connection: Connection) -> None:
        """The transport is gone."""
        self.connections.discard(connection)
        idle = self._idle.get(connection.origin)
        if idle and connection in idle:
            idle.remove(connection)
        if connection.streaming:  # whoever forgot to close a stream costs no place beyond its deadline
            self.give_back(connection)

    def close_idle(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.abort()
        self._idle.clear()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    async def aclose(self, code: str) -> None:
        """End every call with this code, and every wait in line."""
        self.close_idle()
        for place in self._queue:
            _give_up(place)
        for connection in list(self.connections):
            connection.fail(code)
        for _ in range(TURNS_TO_CLOSE):
            if not self.connections:
                return
            await asyncio.sleep(0)

    # inside

    def _leave_line(self, place: "asyncio.Future[bool]") -> None:
        """Whoever waited is gone; a place that was given at the same moment goes on to the next."""
        if place in self._queue:
            self._queue.remove(place)
        elif place.done() and not place.cancelled() and place.result():
            self.leave()

    def _sweep_idle(self) -> None:
        self._sweep = None
        now = self._clock.monotonic()
        for origin, idle in list(self._idle.items()):
            for connection in idle:
                if now >= connection.idle_until:
                    connection.abort()
            self._idle[origin] = [connection for connection in idle if connection.open]
            if not self._idle[origin]:
                del self._idle[origin]
        if self._idle:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep_idle)


def _give_up(place: "asyncio.Future[bool]") -> None:
    if not place.done():
        place.set_result(False)
