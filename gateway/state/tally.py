"""Counters and histograms as plain dictionaries: a microsecond a step, and never more series than were allowed."""

from bisect import bisect_left
from collections.abc import Sequence

Labels = tuple[str, ...]
OTHER = "other"
SERIES = 5_000
"""Series one family may have; whatever comes later is counted as `other`."""


class Tally:
    """One family of counters."""

    __slots__ = ("_limit", "help", "labels", "name", "values")

    def __init__(self, name: str, help: str, labels: Labels, limit: int = SERIES) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self.labels = labels
        self.values: dict[Labels, float] = {}
        self._limit = limit

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        values = self.values
        if labels not in values and len(values) >= self._limit:
            labels = (OTHER,) * len(labels)
        values[labels] = values.get(labels, 0.0) + amount

    def merge(self, rows: Sequence[tuple[Labels, float]]) -> None:
        for labels, amount in rows:
            self.add(labels, amount)


class Spread:
    """One family of histograms."""

    __slots__ = ("_limit", "bounds", "help", "labels", "name", "values")

    def __init__(self, name: str, help: str, labels: Labels, bounds: tuple[float, ...], limit: int = SERIES) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self.labels = labels
        self.bounds = bounds
        self.values: dict[Labels, list[float]] = {}
        """Counts by bucket (the last one is unbounded), then the sum."""
        self._limit = limit

    def observe(self, labels: Labels, value: float) -> None:
        row = self.values.get(labels) or self._row(labels)
        row[bisect_left(self.bounds, value)] += 1
        row[-1] += value

    def merge(self, rows: Sequence[tuple[Labels, list[float]]]) -> None:
        for labels, theirs in rows:
            row = self.values.get(labels) or self._row(labels)
            for index, amount in enumerate(theirs):
                row[index] += amount

    def _row(self, labels: Labels) -> list[float]:
        if len(self.values) >= self._limit:
            labels = (OTHER,) * len(labels)
        return self.values.setdefault(labels, [0.0] * (len(self.bounds) + 2))
