"""Which month it is for the caps: the wall clock as it was at the start, carried on by the clock that cannot jump.

A wall clock that is set forward by days would otherwise open every cap, and one that is set back would charge the
wrong month. The difference is told as `skew_s`; after a restart the wall clock is believed again.
"""

from datetime import UTC, datetime

EDGE_S = 1.0
"""This close to its beginning or end a month is read from the date; in between it is known."""
NEVER = (0.0, 0.0)


class Calendar:
    """UTC calendar months, written `2027-01`."""

    __slots__ = ("_from_unix", "_month", "_since", "_since_unix", "_started", "_until", "_until_unix")

    def __init__(self, now: float, unix: float) -> None:
        self._started = now
        self._from_unix = unix
        self._enter_month_of(unix)

    def unix(self, now: float) -> float:
        return self._from_unix + max(0.0, now - self._started)

    def month(self, now: float) -> str:
        """Of this moment, or of one that has passed."""
        if self._since < now < self._until:
            return self._month
        unix = self.unix(now)
        if unix < self._since_unix:
            return month_of(unix)
        if unix >= self._until_unix:
            self._enter_month_of(unix)
        return self._month

    def span_of(self, month: str) -> tuple[float, float]:
        """Between which moments it is surely this month; never, unless it is the one that `month` told last."""
        return (self._since, self._until) if month == self._month else NEVER

    def _enter_month_of(self, unix: float) -> None:
        self._month, self._until_unix = month_of(unix), next_month(unix)
        self._since_unix = month_start(self._month)
        ahead_s = self._from_unix - self._started
        self._since = self._since_unix - ahead_s + EDGE_S
        self._until = self._until_unix - ahead_s - EDGE_S

    def skew_s(self, now: float, unix: float) -> float:
        return unix - self.unix(now)


def month_of(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m")


def next_month(unix: float) -> float:
    """The first second of the month after."""
    day = datetime.fromtimestamp(unix, UTC)
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()


def month_start(month: str) -> float:
    """The first second of `2027-01`."""
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC).timestamp()
