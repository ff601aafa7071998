"""Where time comes from, so that everything else can be handed a moment."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one that only moves forward, one that people read."""

    def monotonic(self) -> float: ...

    def unix(self) -> float: ...


class SystemClock:
    """The clock of the machine."""

    monotonic = staticmethod(time.monotonic)
    unix = staticmethod(time.time)
