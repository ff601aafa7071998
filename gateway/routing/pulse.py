"""How all offers of a field are doing: columns by place, and orders of places, that follow what happens.

A few changes are carried into the orders one by one; after many, an order is made anew when it is next asked for.
"""

from bisect import bisect_left, insort
from collections.abc import Hashable, Mapping, Sequence
from math import inf

from gateway.domain.moment import UNKNOWN, Vitals
from gateway.routing.blend import Blend
from gateway.routing.mirror import Mirror

FEW = 24
"""So many changes are cheaper than new orders."""
MANY = 4
"""More than this part of all changed: new columns are cheaper."""


class Pulse:
    """Latency and failures by place, and who has lately been in trouble."""

    __slots__ = (
        "_by_failures",
        "_by_latency",
        "_mirror",
        "_most_failures",
        "_place_of",
        "blends",
        "broken",
        "busy",
        "failures",
        "latencies",
        "resting",
        "unknown",
    )

    def __init__(self, place_of: Mapping[str, int]) -> None:
        self._place_of = place_of
        self._mirror: Mirror[str, Vitals] = Mirror()
        self._by_latency: list[int] | None = None
        self._by_failures: list[int] | None = None
        self._most_failures: float | None = None
        self.blends: dict[Hashable, Blend] = {}
        self._fill({})

    def look(self, known: Mapping[str, Vitals]) -> None:
        """Follow what happened since the last look."""
        changes = self._mirror.changes(known)
        if changes is None:
            return
        if len(changes) * MANY > len(self._place_of):
            self._fill(known)
            return
        if len(changes) > FEW:
            self._forget_orders()
        place_of = self._place_of
        for name, seen in changes.items():
            place = place_of.get(name)
            if place is not None:
                self._note(place, seen or UNKNOWN)

    def by_latency(self) -> Sequence[int]:
        """Those whose latency is known, quickest first, then by name."""
        if self._by_latency is None:
            order = sorted(range(len(self.latencies)), key=self.latencies.__getitem__)
            strangers = self.unknown
            self._by_latency = [place for place in order if place not in strangers] if strangers else order
        return self._by_latency

    def by_failures(self) -> Sequence[int]:
        """All, the most reliable first, then by latency (an unknown one last), then by name."""
        if self._by_failures is None:
            self._by_failures = sorted([*self.by_latency(), *sorted(self.unknown)], key=self.failures.__getitem__)
        return self._by_failures

    def most_failures(self) -> float:
        """The highest rate of all."""
        if self._most_failures is None:
            self._most_failures = max(self.failures, default=0.0)
        return self._most_failures

    def _fill(self, known: Mapping[str, Vitals]) -> None:
        get = known.get
        seen = [get(name, UNKNOWN) for name in self._place_of] if known else [UNKNOWN] * len(self._place_of)
        latencies = [vitals.latency_ms for vitals in seen]
        self.latencies = [ms or 0.0 for ms in latencies]
        """0 where none is known."""
        self.unknown = {place for place, ms in enumerate(latencies) if ms is None} if None in latencies else set[int]()
        self.failures = [vitals.error_rate for vitals in seen]
        self.busy = {place for place in self.unknown if seen[place].in_flight}
        """Of the unknown, those that are being tried."""
        self.broken = {place: vitals for place, vitals in enumerate(seen) if vitals.open_until}
        """Whose circuit is not closed."""
        self.resting = {place: vitals for place, vitals in enumerate(seen) if vitals.cooldown_until}
        """Who was asked for some rest, now or in the past."""
        self._forget_orders()

    def _forget_orders(self) -> None:
        self.blends.clear()
        self._by_latency = self._by_failures = self._most_failures = None

    def _note(self, place: int, seen: Vitals) -> None:
        ms = seen.latency_ms
        latency_moves = (ms or 0.0) != self.latencies[place] or (ms is None) != (place in self.unknown)
        if latency_moves or seen.error_rate != self.failures[place]:
            self._leave(place, latency_moves)
            self.latencies[place] = ms or 0.0
            if self.failures[place] != seen.error_rate:
                self._most_failures = None
            self.failures[place] = seen.error_rate
            _keep(self.unknown, place, ms is None)
            self._enter(place, latency_moves)
        _keep(self.busy, place, ms is None and seen.in_flight > 0)
        for those, matters in ((self.broken, seen.open_until), (self.resting, seen.cooldown_until)):
            if matters:
                those[place] = seen
            else:
                those.pop(place, None)

    def _leave(self, place: int, latency_moves: bool) -> None:
        for blend in self.blends.values():
            blend.leave(place)
        if latency_moves and self._by_latency is not None and place not in self.unknown:
            del self._by_latency[bisect_left(self._by_latency, self._latency(place), key=self._latency)]
        if self._by_failures is not None:
            del self._by_failures[bisect_left(self._by_failures, self._failure(place), key=self._failure)]

    def _enter(self, place: int, latency_moves: bool) -> None:
        for blend in self.blends.values():
            blend.enter(place)
        if latency_moves and self._by_latency is not None and place not in self.unknown:
            insort(self._by_latency, place, key=self._latency)
        if self._by_failures is not None:
            insort(self._by_failures, place, key=self._failure)

    def _latency(self, place: int) -> tuple[float, int]:
        return self.latencies[place], place

    def _failure(self, place: int) -> tuple[float, float, int]:
        return self.failures[place], inf if place in self.unknown else self.latencies[place], place


def _keep(those: set[int], place: int, wanted: bool) -> None:
    if wanted:
        those.add(place)
    else:
        those.discard(place)
