"""All offers in the order of latency, failures and capability as one mode weighs them: their score, but for its cost.

These change slowly, while the cost is another for every request. So who may win is looked for along this order, and
costs are worked out only for those near its beginning.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class Factors(NamedTuple):
    """What one unit of each adds to a score."""

    per_ms: float
    per_failure: float
    per_weight: float


class Facts(NamedTuple):
    """The columns that are blended; a place without a latency has 0 there."""

    latencies: Sequence[float]
    failures: Sequence[float]
    weights: Sequence[float]
    unknown: AbstractSet[int]


class Blend:
    """Places by the part of their score that was blended, those without a latency in a line of their own."""

    __slots__ = ("_facts", "factors", "known", "parts", "unknown")

    def __init__(self, facts: Facts, factors: Factors) -> None:
        self._facts = facts
        self.factors = factors
        per_ms, per_failure, per_weight = factors
        columns = zip(facts.latencies, facts.failures, facts.weights, strict=True)
        self.parts = [per_ms * ms + per_failure * rate + per_weight * weight for ms, rate, weight in columns]
        order = sorted(range(len(self.parts)), key=self.parts.__getitem__)
        strangers = facts.unknown
        self.known = [place for place in order if place not in strangers] if strangers else order
        self.unknown = [place for place in order if place in strangers] if strangers else []

    def reach(self, line: Sequence[int], limit: float) -> int:
        """How many of a line have a part that is not above this."""
        return bisect_right(line, limit, key=self.parts.__getitem__)

    def leave(self, place: int) -> None:
        """To be called before anything in the columns changes for this place."""
        line = self._line(place)
        del line[line.index(place, bisect_left(line, self.parts[place], key=self.parts.__getitem__))]

    def enter(self, place: int) -> None:
        """To be called afterwards."""
        facts, factors = self._facts, self.factors
        self.parts[place] = (
            factors.per_ms * facts.latencies[place]
            + factors.per_failure * facts.failures[place]
            + factors.per_weight * facts.weights[place]
        )
        insort(self._line(place), place, key=self.parts.__getitem__)

    def _line(self, place: int) -> list[int]:
        return self.unknown if place in self._facts.unknown else self.known
