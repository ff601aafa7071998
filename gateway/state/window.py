"""What happened lately: counts in a sliding window, and the median of the last latencies."""

from bisect import bisect_left, insort
from collections import deque


class Window:
    """Requests and failures of the last `span_s`, in a ring of buckets with running sums."""

    __slots__ = ("_at", "_ends", "_failures", "_requests", "_slots", "_width", "failures", "requests", "span_s")

    def __init__(self, span_s: float, slots: int) -> None:
        self.span_s = span_s
        self.requests = 0
        self.failures = 0
        self._slots = slots
        self._width = span_s / slots
        self._at = 0
        self._ends = self._width
        """When the slot of now is over."""
        self._requests = [0] * slots
        self._failures = [0] * slots

    def add(self, now: float, *, failed: bool) -> None:
        if now >= self._ends:
            self._advance(now)
        self._requests[self._at] += 1
        self.requests += 1
        if failed:
            self._failures[self._at] += 1
            self.failures += 1

    def advance(self, now: float) -> None:
        """Forgets what is older than the span; time that runs backwards forgets nothing."""
        if now >= self._ends:
            self._advance(now)

    def clear(self) -> None:
        self._requests = [0] * self._slots
        self._failures = [0] * self._slots
        self.requests = self.failures = 0

    def _advance(self, now: float) -> None:
        number = int(now / self._width)
        passed = min(number - round(self._ends / self._width) + 1, self._slots)
        for index in range(self._at + 1, self._at + passed + 1):
            slot = index % self._slots
            self.requests -= self._requests[slot]
            self.failures -= self._failures[slot]
            self._requests[slot] = self._failures[slot] = 0
        self._at = (self._at + passed) % self._slots
        self._ends = (number + 1) * self._width


class Latencies:
    """The last `SIZE` times to first byte, none older than `keep_s`; the median costs nothing to read."""

    __slots__ = ("_arrived", "_sorted", "keep_s")

    SIZE = 64
    ENOUGH = 3

    def __init__(self, keep_s: float) -> None:
        self.keep_s = keep_s
        self._arrived: deque[tuple[float, float]] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, now: float, ms: float) -> None:
        self.forget_before(now - self.keep_s)
        if len(self._arrived) >= self.SIZE:
            self._drop_oldest()
        self._arrived.append((now, ms))
        insort(self._sorted, ms)

    def forget_before(self, moment: float) -> None:
        while self._arrived and self._arrived[0][0] < moment:
            self._drop_oldest()

    def median(self) -> float | None:
        """None while there are too few to say."""
        count = len(self._sorted)
        if count < self.ENOUGH:
            return None
        middle = count // 2
        return self._sorted[middle] if count % 2 else (self._sorted[middle - 1] + self._sorted[middle]) / 2

    def _drop_oldest(self) -> None:
        _, ms = self._arrived.popleft()
        del self._sorted[bisect_left(self._sorted, ms)]
