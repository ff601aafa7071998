"""What happened lately: counts in a sliding window, and the median of the last latencies."""

from bisect import bisect_left, insort
from collections import deque

LATENCIES = 64
ENOUGH = 3
"""Of them say something."""


class Window:
    """Requests and failures of the last `span_s`, in a ring of buckets with running sums.

    Whoever counts adds to the sums, once `advance` was told that `ends` has passed.
    """

    __slots__ = ("_at", "_failures", "_requests", "_slots", "_width", "ends", "failures", "requests", "span_s")

    def __init__(self, span_s: float, slots: int) -> None:
        self.span_s = span_s
        self.requests = 0
        self.failures = 0
        self._slots = slots
        self._width = span_s / slots
        self._at = 0
        self.ends = self._width
        """When the slot of now is over."""
        self._requests = [0] * slots
        self._failures = [0] * slots

    def add(self, now: float, *, failed: bool) -> None:
        if now >= self.ends:
            self.advance(now)
        self.requests += 1
        if failed:
            self.failures += 1

    def advance(self, now: float) -> None:
        """Forgets what is older than the span; time that runs backwards forgets nothing."""
        if now < self.ends:
            return
        self._close_slot()
        number = int(now / self._width)
        passed = min(number - round(self.ends / self._width) + 1, self._slots)
        for index in range(self._at + 1, self._at + passed + 1):
            slot = index % self._slots
            self.requests -= self._requests[slot]
            self.failures -= self._failures[slot]
            self._requests[slot] = self._failures[slot] = 0
        self._at = (self._at + passed) % self._slots
        self.ends = (number + 1) * self._width

    def clear(self) -> None:
        self._requests = [0] * self._slots
        self._failures = [0] * self._slots
        self.requests = self.failures = 0

    def _close_slot(self) -> None:
        """The slot of now holds what the sums have and no other slot does."""
        at = self._at
        self._requests[at] += self.requests - sum(self._requests)
        self._failures[at] += self.failures - sum(self._failures)


class Latencies:
    """The last `LATENCIES` times to first byte, none older than `keep_s`.

    Their order is kept up from one look at the median to the next, and forgotten where nobody looks.
    """

    __slots__ = ("_arrived", "_in_order", "_looked_at", "keep_s")

    def __init__(self, keep_s: float) -> None:
        self.keep_s = keep_s
        self._arrived: deque[tuple[float, float]] = deque(maxlen=LATENCIES)
        self._in_order: list[float] | None = None
        self._looked_at = False

    def __len__(self) -> int:
        return len(self._arrived)

    def add(self, now: float, ms: float) -> None:
        if self._in_order is not None:
            self._put_in_order(self._in_order, ms)
        self._arrived.append((now, ms))

    def median(self) -> float | None:
        """None while there are too few to say."""
        arrived = self._arrived
        if arrived:
            self._forget_before(arrived[-1][0] - self.keep_s)
        count = len(arrived)
        if count < ENOUGH:
            return None
        self._looked_at = True
        in_order = self._in_order
        if in_order is None:
            in_order = self._in_order = sorted(ms for _, ms in arrived)
        middle = count // 2
        return in_order[middle] if count % 2 else (in_order[middle - 1] + in_order[middle]) / 2

    def age(self, now: float) -> None:
        self._forget_before(now - self.keep_s)
        if not self._looked_at:
            self._in_order = None
        self._looked_at = False

    def _put_in_order(self, in_order: list[float], ms: float) -> None:
        """In the place of the one that goes for it, where there are enough."""
        arrived = self._arrived
        if len(arrived) == LATENCIES:
            del in_order[bisect_left(in_order, arrived[0][1])]
        insort(in_order, ms)

    def _forget_before(self, moment: float) -> None:
        arrived, in_order = self._arrived, self._in_order
        while arrived and arrived[0][0] < moment:
            _, ms = arrived.popleft()
            if in_order is not None:
                del in_order[bisect_left(in_order, ms)]
