"""The scored order of `/v1/chat`: cost, latency, failures and capability, weighed by the mode.

    score = cost·c/max(c) + latency·l/max(l) + failure·e/max(e) - capability·w/max(w)

over the eligible offers; a ratio whose maximum is 0 counts 0, an unknown latency counts as the median of the known
ones. Lower is better. Ties: higher weight, lower estimated cost, name.

Few are ever tried, so few are scored: those whose score without its cost is not above the best scores found so far.
"""

from collections.abc import Iterator, Sequence
from heapq import nsmallest
from math import inf
from typing import NamedTuple

from gateway.domain.plan import Score
from gateway.domain.settings import Profile
from gateway.domain.table import Offer
from gateway.routing.blend import Blend, Factors, Facts
from gateway.routing.runners import Runners

SAMPLE = 32
MOST_ALONE = 700
"""Beyond so many, scoring all at once is cheaper than scoring each."""
DRIFT = 1 / 256
"""A blend made with other factors serves as long as no part of a score is further off than this."""
MOST_BLENDS = 8
ROUNDING = 1e-9

Row = tuple[float, float, float, int]
"""Score, negative weight, cost, place: sorted, the best is first."""


class Ranked(NamedTuple):
    """One offer with what it was judged by."""

    offer: Offer
    cost_usd: float
    terms: tuple[float, ...] = ()
    """Cost, latency, failure, capability: their sum is the score."""
    draw: float | None = None


class ByScore:
    """Best first; and each by itself."""

    def __init__(self, runners: Runners, profile: Profile) -> None:
        self._runners = runners
        self._profile = profile
        field, pulse, unfit = runners.field, runners.pulse, runners.unfit
        self._facts = Facts(pulse.latencies, pulse.failures, field.weights, pulse.unknown)
        known = pulse.by_latency()
        slowest = next((pulse.latencies[place] for place in reversed(known) if place not in unfit), 0.0)
        self._usual_ms = 0.0 if pulse.unknown <= unfit else _median(known, pulse.latencies, unfit)
        self._tops = (
            slowest,
            _top(pulse.failures, pulse.most_failures(), unfit),
            _top(field.weights, field.highest_weight, unfit),
        )
        self._per_cost = _factor(profile.cost, runners.highest_cost())
        self._factors = Factors(
            _factor(profile.latency, slowest),
            _factor(profile.failure, self._tops[1]),
            _factor(-profile.capability, self._tops[2]),
        )

    def __iter__(self) -> Iterator[Ranked]:
        if self._runners.handful:
            yield from map(self._ranked, sorted(self._rows(self._runners.fit())))
            return
        first = self._first()
        yield from map(self._ranked, first)
        told = {row[3] for row in first}
        rest = sorted(self._rows([place for place in self._runners.fit() if place not in told]))
        yield from map(self._ranked, rest)

    def judge(self, place: int) -> Ranked:
        return self._ranked(self._rows([place])[0])

    def _ranked(self, row: Row) -> Ranked:
        _, negative, cost, place = row
        facts, (per_ms, per_failure, per_weight) = self._facts, self._factors
        ms = self._usual_ms if place in facts.unknown else facts.latencies[place]
        terms = (self._per_cost * cost, per_ms * ms, per_failure * facts.failures[place], -negative * per_weight)
        return Ranked(self._runners.field.offers[place], cost, terms)

    def _rows(self, places: Sequence[int]) -> list[Row]:
        latencies, failures, weights, strangers = self._facts
        usual_ms, per_cost, (per_ms, per_failure, per_weight) = self._usual_ms, self._per_cost, self._factors
        return [
            (
                per_cost * cost
                + per_ms * (usual_ms if place in strangers else latencies[place])
                + per_failure * failures[place]
                + per_weight * weights[place],
                -weights[place],
                cost,
                place,
            )
            for place, cost in zip(places, self._runners.costs(places), strict=True)
        ]

    def _first(self) -> list[Row]:
        """The best few, or all there are: none of the others is better than the last of these.

        Two ways lead to whoever may win: from the cheapest on, and from the best in all else. What stands on neither so
        far is at least as dear as the next on the one, and at least as bad otherwise as the next on the other.
        """
        runners, blend = self._runners, self._blend()
        lines = ((blend.known, 0.0), (blend.unknown, self._factors.per_ms * self._usual_ms))
        slack, first, judged = self._drift(blend) + ROUNDING, runners.first, set(runners.unfit)
        by_cost = runners.by_cost()
        walked, seen, wanted, best = 0, [0, 0], SAMPLE, list[Row]()
        while True:
            best += self._judged(by_cost.places[walked : walked + wanted], judged)
            walked += wanted
            for which, (line, _) in enumerate(lines):
                best += self._judged(line[seen[which] : seen[which] + wanted], judged)
                seen[which] += wanted
            best = nsmallest(first, best)
            limit = best[-1][0] if len(best) == first else inf
            floor = self._per_cost * by_cost.least(walked) if walked < len(by_cost.places) else inf
            left = sum(
                max(0, blend.reach(line, limit + slack - more - floor) - so_far)
                for (line, more), so_far in zip(lines, seen, strict=True)
            )
            if left == 0:
                return best
            if left > MOST_ALONE and walked > SAMPLE:
                return self._first_of_all(blend, slack)
            wanted *= 2

    def _judged(self, places: Sequence[int], judged: set[int]) -> list[Row]:
        """Those who were not judged before."""
        others = [place for place in places if place not in judged]
        judged.update(others)
        return self._rows(others)

    def _first_of_all(self, blend: Blend, slack: float) -> list[Row]:
        """The same where costs decide: a rough score for everyone, an exact one for those who come near."""
        runners = self._runners
        rough = runners.rough(self._per_cost, blend.parts)
        more = self._factors.per_ms * self._usual_ms
        if more:
            for place in self._facts.unknown:
                rough[place] += more
        for place in runners.unfit:
            rough[place] = inf
        limit = nsmallest(runners.first, rough)[-1] + 2 * slack
        near = [place for place, score in enumerate(rough) if score <= limit]
        return nsmallest(runners.first, self._rows([place for place in near if place not in runners.unfit]))

    def _blend(self) -> Blend:
        """One that was made with nearly these factors."""
        blends = self._runners.pulse.blends
        blend = blends.get(self._profile)
        if blend is None or self._drift(blend) > DRIFT:
            if len(blends) >= MOST_BLENDS:
                blends.clear()
            blend = blends[self._profile] = Blend(self._facts, self._factors)
        return blend

    def _drift(self, blend: Blend) -> float:
        """No part of a score in this blend is further from what it should be."""
        return sum(
            abs(now - then) * most for now, then, most in zip(self._factors, blend.factors, self._tops, strict=True)
        )


def _top(column: Sequence[float], highest: float, unfit: set[int]) -> float:
    """The highest of those who are fit; 0 where nobody is."""
    theirs = [place for place in unfit if column[place] == highest]
    if not theirs or column.count(highest) > len(theirs):
        return highest
    others = list(column)
    for place in unfit:
        others[place] = 0.0
    return max(others)


def _median(ordered: Sequence[int], column: Sequence[float], unfit: set[int]) -> float:
    """Of the fit, by places in the order of the column; 0 where there is nobody."""
    fit = [place for place in ordered if place not in unfit] if unfit else ordered
    if not fit:
        return 0.0
    middle = len(fit) // 2
    upper = column[fit[middle]]
    return upper if len(fit) % 2 else (column[fit[middle - 1]] + upper) / 2


def score_of(ranked: Ranked) -> Score | None:
    if not ranked.terms:
        return None
    cost, latency, failure, capability = ranked.terms
    return Score(cost=cost, latency=latency, failure=failure, capability=capability, total=sum(ranked.terms))


def _factor(weight: float, most: float) -> float:
    """What one unit of a value adds to the score; nothing where the largest is 0."""
    return weight / most if most else 0.0
