"""One timer for a connection's whole life: it is moved only when it would ring too late, which is rare."""

import asyncio
from collections.abc import Callable
from math import inf

from gateway.clock import Clock


class Alarm:
    """Rings once `at` has passed, unless that was set to something later or to nothing by then."""

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

    def hurry(self, now: float) -> None:
        """`at` is earlier than the timer; where it is later, the timer finds out."""
        if self._timer is not None:
            self._timer.cancel()
        self.timer_at = self.at
        self._timer = self._loop.call_later(max(0.0, self.at - now), self._due)

    def stop(self) -> None:
        self.at = self.timer_at = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self.timer_at = inf
        if self.at == inf:
            return
        now = self._clock.monotonic()
        if now < self.at:
            self.hurry(now)
        else:
            self._ring()
