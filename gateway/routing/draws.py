"""Draw from thousands of Beta arms, luckiest first, without drawing them all: exact in distribution.

Arms that nobody has taught are n equal chances: the largest of n uniform draws is `u ** (1 / n)`, whoever has it is
anyone of them, and the next largest lies below it in the same way.

Of every arm that was taught two points are known, one that it seldom passes and one that it hardly ever passes. Who
passes is found by leaps over those who do not, and how far by rejection: a Beta density with parameters of 1 and more
is log-concave, so it lies below its tangent at the point, an exponential. A few of the best show how high one has to
come. Whoever hardly ever comes there is asked for the high point only, the others for the low one; and below its low
point an arm is drawn only if the best so far are not above that.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappush, heapreplace
from math import exp, expm1, lgamma, log, log1p, sqrt
from random import Random
from typing import NamedTuple

from gateway.domain.moment import Arm

_LAST_BELOW_ONE = 1 - 2**-53

Draw = tuple[float, int]
"""How lucky, and who."""


class Level(NamedTuple):
    """How far up a point lies."""

    luck: float
    """As far as this deviate of a normal distribution."""
    passing: float
    """No arm's tangent has more mass beyond its point, by a tenth at least (`tests/routing/test_draws.py`)."""

    def point(self, arm: Arm) -> float:
        """By Abramowitz and Stegun, 26.5.22."""
        luck, alpha, beta = self.luck, arm.alpha, arm.beta
        a, b = 1 / (2 * alpha - 1), 1 / (2 * beta - 1)
        h, curve = 2 / (a + b), (luck * luck - 3) / 6
        w = luck * sqrt(h + curve) / h + (b - a) * (curve + 5 / 6 - 2 / (3 * h))
        return min(alpha / (alpha + beta * exp(-2 * w)), _LAST_BELOW_ONE)


SELDOM = Level(luck=1.7, passing=1 / 14)
HARDLY = Level(luck=2.8, passing=1 / 280)


class Arms:
    """The arms of a row of places: who was taught what, and who was not."""

    __slots__ = ("fresh", "hardly", "seldom", "taught")

    def __init__(self, arms: Sequence[Arm | None]) -> None:
        self.taught = {place: arm for place, arm in enumerate(arms) if arm is not None}
        self.fresh = [place for place, arm in enumerate(arms) if arm is None]
        self.seldom = Points(SELDOM, self.taught)
        self.hardly = Points(HARDLY, self.taught)

    def teach(self, place: int, arm: Arm | None) -> None:
        """From now on the arm at this place is another."""
        old = self.taught.pop(place, None)
        if old is None:
            del self.fresh[bisect_left(self.fresh, place)]
        else:
            self.seldom.leave(place, old)
            self.hardly.leave(place, old)
        if arm is None:
            insort(self.fresh, place)
        else:
            self.taught[place] = arm
            self.seldom.enter(place, arm)
            self.hardly.enter(place, arm)


class Points:
    """The points of all arms at one level, lowest first, and what lies beyond those that were asked for."""

    __slots__ = ("_tails", "_taught", "level", "order")

    def __init__(self, level: Level, taught: Mapping[int, Arm]) -> None:
        self.level = level
        self.order = sorted((level.point(arm), place) for place, arm in taught.items())
        self._taught = taught
        self._tails: dict[int, Tail] = {}

    def tail(self, place: int) -> "Tail":
        tail = self._tails.get(place)
        if tail is None:
            arm = self._taught[place]
            tail = self._tails[place] = Tail(arm, self.level.point(arm))
        return tail

    def leave(self, place: int, arm: Arm) -> None:
        del self.order[bisect_left(self.order, (self.level.point(arm), place))]
        self._tails.pop(place, None)

    def enter(self, place: int, arm: Arm) -> None:
        insort(self.order, (self.level.point(arm), place))


class Tail:
    """What lies beyond the point of one arm, under the tangent of its log-density there."""

    __slots__ = ("_a", "_at", "_b", "_fall", "_height", "_span", "mass")

    def __init__(self, arm: Arm, at: float) -> None:
        alpha, beta = arm.alpha, arm.beta
        self._a, self._b, self._at = alpha - 1, beta - 1, at
        self._height = self._a * log(at) + self._b * log1p(-at)
        self._fall = self._b / (1 - at) - self._a / at or 1e-9
        self._span = expm1(-self._fall * (1 - at))
        density = exp(self._height + lgamma(alpha + beta) - lgamma(alpha) - lgamma(beta))
        self.mass = -density * self._span / self._fall
        """Never less than the chance that the arm passes its point."""

    def beyond(self, chance: Callable[[], float]) -> float | None:
        """A value beyond the point, or None where the tangent promised more than the density keeps."""
        y = -log1p(chance() * self._span) / self._fall
        x = min(self._at + y, _LAST_BELOW_ONE)
        kept = self._a * log(x) + self._b * log1p(-x) - self._height + self._fall * y
        return x if log(1 - chance()) < kept else None


def draw(arm: Arm | None, random: Random) -> float:
    """One arm by itself."""
    return random.random() if arm is None else random.betavariate(arm.alpha, arm.beta)


def every_arm(arms: Arms, count: int, random: Random) -> Iterator[Draw]:
    """All of so many places, one after the other, then sorted: what `luckiest` is equal to in distribution."""
    taught = arms.taught
    return iter(sorted(((draw(taught.get(place), random), place) for place in range(count)), reverse=True))


def luckiest(arms: Arms, random: Random, first: int) -> Iterator[Draw]:
    """Every arm with its draw, best first; about as many as `first` cost little, those after them much."""
    fresh, contest = Descent(arms.fresh, random), Contest(arms, random, first)
    for each in fresh.take(first):
        contest.note(*each)
    contest.hold()
    floor = max(contest.floor, fresh.top if fresh.left else 0.0)
    drawn = contest.in_order()
    found = next((number for number, (value, _) in enumerate(drawn) if value < floor), len(drawn))
    yield from drawn[:found]
    yield from sorted([*drawn[found:], *fresh.take(fresh.left), *contest.others()], reverse=True)


class Contest:
    """Draws until nobody who was not drawn can be among the best."""

    def __init__(self, arms: Arms, random: Random, first: int) -> None:
        self._arms = arms
        self._random = random
        self._first = max(first, 1)
        self._leading: list[float] = []
        self._drawn: dict[int, float] = {}
        self._unlikely = 0
        """So many, in the order of their high points, are only known not to pass these."""

    @property
    def floor(self) -> float:
        """What the worst of the best so far has; 0 while there are too few."""
        return self._leading[0] if len(self._leading) == self._first else 0.0

    def note(self, value: float, place: int) -> None:
        self._drawn[place] = value
        if len(self._leading) < self._first:
            heappush(self._leading, value)
        elif value > self._leading[0]:
            heapreplace(self._leading, value)

    def hold(self) -> None:
        seldom, hardly = self._arms.seldom, self._arms.hardly
        for _, place in seldom.order[-2 * self._first :]:
            self.note(draw(self._arms.taught[place], self._random), place)
        self._unlikely = bisect_left(hardly.order, (self.floor, -1))
        self._leap(hardly, range(self._unlikely))
        self._leap(seldom, range(self._unlikely, len(hardly.order)))
        for limit, place in reversed(seldom.order):
            if limit <= self.floor:
                break
            if place not in self._drawn:
                self.note(self._below(limit, place), place)

    def in_order(self) -> list[Draw]:
        return sorted(((value, place) for place, value in self._drawn.items()), reverse=True)

    def others(self) -> Iterator[Draw]:
        """Whoever was not drawn, below what they are known not to pass."""
        level = self._arms.seldom.level
        for number, (limit, place) in enumerate(self._arms.hardly.order):
            if place not in self._drawn:
                known = limit if number < self._unlikely else level.point(self._arms.taught[place])
                yield self._below(known, place), place

    def _leap(self, points: Points, among: range) -> None:
        """From one who might pass their point to the next; those who do are drawn."""
        chance, order = self._random.random, self._arms.hardly.order
        passing, leap = points.level.passing, 1 / log1p(-points.level.passing)
        at = among.start + int(log(1 - chance()) * leap)
        while at < among.stop:
            place = order[at][1]
            tail = points.tail(place)
            if chance() * passing < tail.mass:
                value = tail.beyond(chance)
                if value is not None and place not in self._drawn:
                    self.note(value, place)
            at += 1 + int(log(1 - chance()) * leap)

    def _below(self, limit: float, place: int) -> float:
        arm = self._arms.taught[place]
        value = draw(arm, self._random)
        while value > limit:
            value = draw(arm, self._random)
        return value


class Descent:
    """Uniform draws of many who are all alike, largest first."""

    __slots__ = ("_random", "_waiting", "top")

    def __init__(self, places: Sequence[int], random: Random) -> None:
        self._waiting = list(places)
        self._random = random
        self.top = 1.0

    @property
    def left(self) -> int:
        return len(self._waiting)

    def take(self, most: int) -> Iterator[Draw]:
        waiting, chance = self._waiting, self._random.random
        for _ in range(min(most, len(waiting))):
            self.top *= (1 - chance()) ** (1 / len(waiting))
            whose = int(chance() * len(waiting))
            waiting[whose], waiting[-1] = waiting[-1], waiting[whose]
            yield self.top, waiting.pop()
