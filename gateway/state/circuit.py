"""A circuit: closed while calls work, open after too many failures, half-open while it is tried again.

It opens after a number of failures in a row, or when a share of the requests of the last ten seconds failed. While it
is open nothing is decided but by attempts that began after it opened: stragglers from before teach nothing. When its
time is up a few trials may go; one that fails opens it again for twice as long (five minutes at the most), one that
works closes it. A circuit that opens again within a window of having closed goes on growing from where it was.
"""

from gateway.domain.settings import HealthRules
from gateway.state.window import Window

RATIO_WINDOW_S = 10.0
LONGEST_OPEN_S = 300.0


class Circuit:
    """One breaker, told of starts and ends; time is an argument."""

    __slots__ = ("_closed_at", "_in_row", "_openings", "_rules", "_trials_out", "open_until", "opened_at", "recent")

    def __init__(self, rules: HealthRules) -> None:
        self._rules = rules
        self.recent = Window(RATIO_WINDOW_S, 10)
        self._in_row = 0
        self._openings = 0
        self._trials_out = 0
        self._closed_at = float("-inf")
        self.open_until = 0.0
        self.opened_at = 0.0

    @property
    def trials_left(self) -> int:
        left = self._rules.half_open - self._trials_out
        return left if left > 0 else 0

    def adopt(self, rules: HealthRules) -> None:
        self._rules = rules

    def started(self) -> None:
        if self.open_until:
            self._trials_out += 1

    def worked(self, now: float, started: float | None) -> None:
        if self.open_until:
            if self._was_trial(started):
                self._close(now)
            return
        recent, self._in_row = self.recent, 0
        if now >= recent.ends:
            recent.advance(now)
        recent.requests += 1

    def failed(self, now: float, started: float | None) -> None:
        if self.open_until:
            if self._was_trial(started):
                self._trials_out -= 1
                if now >= self.open_until:
                    self._open(now)
            return
        self._in_row += 1
        self.recent.add(now, failed=True)
        if self._in_row >= self._rules.open_after or self._too_many():
            self._open(now)

    def undecided(self, started: float | None) -> None:
        """An attempt that says nothing about the other side: a trial's place is free again."""
        if self.open_until and self._was_trial(started):
            self._trials_out -= 1

    def _was_trial(self, started: float | None) -> bool:
        return self._trials_out > 0 and (started is None or started >= self.opened_at)

    def _too_many(self) -> bool:
        recent = self.recent
        enough = recent.requests >= self._rules.min_requests
        return enough and recent.failures >= self._rules.open_ratio * recent.requests

    def _open(self, now: float) -> None:
        if not self.open_until and now - self._closed_at > self._rules.window_s:
            self._openings = 0
        grown = self._rules.open_for_s * 2 ** min(self._openings, 16)
        self.open_until = now + min(grown, max(LONGEST_OPEN_S, self._rules.open_for_s))
        self.opened_at = now
        self._openings += 1
        self._trials_out = 0

    def _close(self, now: float) -> None:
        self._closed_at = now
        self._in_row = 0
        self._trials_out = 0
        self.recent.clear()
        self.open_until = 0.0
