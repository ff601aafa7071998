"""How many retries all requests together may spend: a share of the requests, and a few a second for quiet times.

Each request earns its share of a retry, which is worth something for ten seconds. Three more a second are free, and
are not saved up: so at full failure the attempts stay within 1 + ratio + 3/s of the requests, whatever came before.
"""

FREE_PER_S = 3.0
EARNED_FOR_S = 10


class RetryBudget:
    """A token bucket whose tokens grow old, in buckets of one second."""

    __slots__ = ("_at", "_earned", "_ends", "_free", "_free_at", "_ratio", "_slots")

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._slots = [0.0] * EARNED_FOR_S
        self._earned = 0.0
        self._at = 0
        self._ends = float("-inf")
        """When the second of `_at` is over."""
        self._free = FREE_PER_S
        self._free_at: float | None = None

    def adopt(self, ratio: float) -> None:
        self._ratio = ratio

    def note_request(self, now: float) -> None:
        if now >= self._ends:
            self._advance(now)
        self._slots[self._at % EARNED_FOR_S] += self._ratio
        self._earned += self._ratio

    def may_retry(self, now: float) -> bool:
        """True takes a token: what was earned first, oldest first, then what is free."""
        if now >= self._ends:
            self._advance(now)
        self._refill(now)
        if self._earned >= 1.0 - 1e-9:
            self._spend_earned()
            return True
        if self._free >= 1.0 - 1e-9:
            self._free -= 1.0
            return True
        return False

    def _advance(self, now: float) -> None:
        """What was earned too long ago is worth nothing any more."""
        before, self._at = self._at, int(now)
        for index in range(max(before + 1, self._at - EARNED_FOR_S + 1), self._at + 1):
            self._slots[index % EARNED_FOR_S] = 0.0
        self._ends = self._at + 1.0
        self._earned = sum(self._slots)

    def _refill(self, now: float) -> None:
        elapsed = 0.0 if self._free_at is None else now - self._free_at
        if elapsed > 0:
            self._free = min(FREE_PER_S, self._free + elapsed * FREE_PER_S)
        if elapsed > 0 or self._free_at is None:
            self._free_at = now

    def _spend_earned(self) -> None:
        due = 1.0
        for index in range(self._at + 1, self._at + EARNED_FOR_S + 1):
            slot = index % EARNED_FOR_S
            taken = min(due, self._slots[slot])
            self._slots[slot] -= taken
            due -= taken
            if due <= 0:
                break
        self._earned = max(0.0, self._earned - 1.0)
