"""One timer for a connection's whole life: it is moved only when it would ring too late, which is rare."""

import asyncio
from collections.abc import Callable
from math import inf

from gateway.clock import Clock


class Alarm:
    """Rings once `at` has passed, unless it was set to something later or to nothing by then."""

    __slots__ = ("_clock", "_loop", "_ring", "_timer", "at", "timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._clock = clock
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self.timer_at = inf
        """When it is going to look."""
        self.at = inf
        """Infinity: nothing is due. The timer may run on; it will find nothing to do."""

    def set(self, at: float, now: float) -> None:
        """To something later it can be moved by `at` alone: the timer that runs will find out."""
        self.at = at
        if at < self.timer_at:
            self._start(at, now)

    def stop(self) -> None:
        self.at = self.timer_at = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, at: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.timer_at = at
        self._timer = self._loop.call_later(max(0.0, at - now), self._due)

    def _due(self) -> None:
        self._timer = None
        self.timer_at = inf
        if self.at == inf:
            return
        now = self._clock.monotonic()
        if now < self.at:
            self._start(self.at, now)
        else:
            self._ring()
