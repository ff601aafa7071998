"""Counters and histograms as plain objects: fractions of a microsecond a step, and never more series than allowed."""

from bisect import bisect_left
from collections.abc import Sequence

Labels = tuple[str, ...]
OTHER = "other"
SERIES = 5_000
"""Series one family may have; whatever comes later is counted as `other`."""


class Count:
    """One series of a counter, for whoever adds to it often."""

    __slots__ = ("amount",)

    def __init__(self) -> None:
        self.amount = 0.0


class Tally:
    """One family of counters."""

    __slots__ = ("_counts", "_limit", "help", "labels", "name")

    def __init__(self, name: str, help: str, labels: Labels, limit: int = SERIES) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self.labels = labels
        self._counts: dict[Labels, Count] = {}
        self._limit = limit

    @property
    def values(self) -> dict[Labels, float]:
        """What was counted, by labels."""
        return {labels: count.amount for labels, count in self._counts.items()}

    def at(self, labels: Labels) -> Count:
        counts = self._counts
        count = counts.get(labels)
        if count is None:
            if len(counts) >= self._limit:
                labels = (OTHER,) * len(labels)
            count = counts.setdefault(labels, Count())
        return count

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        self.at(labels).amount += amount

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

    def at(self, labels: Labels) -> list[float]:
        row = self.values.get(labels)
        if row is None:
            if len(self.values) >= self._limit:
                labels = (OTHER,) * len(labels)
            row = self.values.setdefault(labels, [0.0] * (len(self.bounds) + 2))
        return row

    def observe(self, labels: Labels, value: float) -> None:
        observe(self.at(labels), self.bounds, value)

    def merge(self, rows: Sequence[tuple[Labels, list[float]]]) -> None:
        for labels, theirs in rows:
            row = self.at(labels)
            for index, amount in enumerate(theirs):
                row[index] += amount


def observe(row: list[float], bounds: tuple[float, ...], value: float) -> None:
    """Once more in the bucket that the value belongs to."""
    row[bisect_left(bounds, value)] += 1
    row[-1] += value
