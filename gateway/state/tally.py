"""Counters and histograms as plain objects: fractions of a microsecond a step, and never more series than allowed."""

from bisect import bisect_right
from collections.abc import Sequence

Labels = tuple[str, ...]
OTHER = "other"
SERIES = 5_000
"""Series one family may have; whatever comes later is counted as `other`."""
FRESH = 256
"""So many values wait to be sorted into their buckets."""


class Count:
    """One series of a counter, for whoever adds to it often."""

    __slots__ = ("amount",)

    def __init__(self) -> None:
        self.amount: float = 0  # whole numbers are added up as such, which is sooner done


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
        return {labels: float(count.amount) for labels, count in self._counts.items()}

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


class Row:
    """One series of a histogram. What was seen last is not sorted in yet: that is done for many at once."""

    __slots__ = ("_bounds", "_counts", "_sum", "fresh")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0.0] * (len(bounds) + 1)
        self._sum = 0.0
        self.fresh: list[float] = []

    def add(self, value: float) -> None:
        fresh = self.fresh
        fresh.append(value)
        if len(fresh) >= FRESH:
            self._sort_in()

    def merge(self, amounts: Sequence[float]) -> None:
        """As `amounts` of another tells them."""
        for index, amount in enumerate(amounts[:-1]):
            self._counts[index] += amount
        self._sum += amounts[-1]

    @property
    def amounts(self) -> list[float]:
        """Counts by bucket (the last one is unbounded), then the sum."""
        self._sort_in()
        return [*self._counts, self._sum]

    def _sort_in(self) -> None:
        counts, fresh = self._counts, self.fresh
        self._sum = sum(fresh, self._sum)
        fresh.sort()
        before = 0
        for index, bound in enumerate(self._bounds):
            upto = bisect_right(fresh, bound, before)
            counts[index] += upto - before
            before = upto
        counts[-1] += len(fresh) - before
        fresh.clear()


class Spread:
    """One family of histograms."""

    __slots__ = ("_limit", "_rows", "bounds", "help", "labels", "name")

    def __init__(self, name: str, help: str, labels: Labels, bounds: tuple[float, ...], limit: int = SERIES) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self.labels = labels
        self.bounds = bounds
        self._rows: dict[Labels, Row] = {}
        self._limit = limit

    @property
    def values(self) -> dict[Labels, list[float]]:
        """What was seen, by labels."""
        return {labels: row.amounts for labels, row in self._rows.items()}

    def at(self, labels: Labels) -> Row:
        row = self._rows.get(labels)
        if row is None:
            if len(self._rows) >= self._limit:
                labels = (OTHER,) * len(labels)
            row = self._rows.setdefault(labels, Row(self.bounds))
        return row

    def observe(self, labels: Labels, value: float) -> None:
        self.at(labels).add(value)

    def merge(self, rows: Sequence[tuple[Labels, list[float]]]) -> None:
        for labels, theirs in rows:
            self.at(labels).merge(theirs)
