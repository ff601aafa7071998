"""Draw from thousands of Beta arms, luckiest first, without drawing them all: exact in distribution.

Arms that nobody has taught are n equal chances: the largest of n uniform draws is `u ** (1 / n)`, whoever has it is
anyone of them, and the next largest lies below it in the same way.

Of every arm that was taught a point is known that it passes in about four draws of a hundred. Who passes is found by
leaps over those who do not, and how far by rejection: a Beta density with parameters of 1 and more is log-concave, so
it lies below its tangent at that point, an exponential. The others are drawn, below their points, only if the best so
far are not above these.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappush, heapreplace, nlargest
from math import exp, expm1, lgamma, log, log1p, sqrt
from random import Random

from gateway.domain.moment import Arm

LUCK = 1.8
"""The point of an arm lies as far up as this deviate of a normal distribution: about 4 draws of 100 are above it."""
PASSING = 1 / 18
"""No arm's tangent has more mass beyond its point, by a tenth at least (`tests/routing/test_draws.py`)."""
_LEAP = log1p(-PASSING)
_CURVE = (LUCK * LUCK - 3) / 6
_LAST_BELOW_ONE = 1 - 2**-53

Draw = tuple[float, int]
"""How lucky, and who."""


class Arms:
    """The arms of a row of places: who was taught what, and who was not."""

    __slots__ = ("_tails", "by_point", "fresh", "taught")

    def __init__(self, arms: Sequence[Arm | None]) -> None:
        self.taught = {place: arm for place, arm in enumerate(arms) if arm is not None}
        self.by_point = sorted((point(arm.alpha, arm.beta), place) for place, arm in self.taught.items())
        self.fresh = [place for place, arm in enumerate(arms) if arm is None]
        self._tails: dict[int, Tail] = {}

    def teach(self, place: int, arm: Arm | None) -> None:
        """From now on the arm at this place is another."""
        old = self.taught.pop(place, None)
        if old is None:
            del self.fresh[bisect_left(self.fresh, place)]
        else:
            del self.by_point[bisect_left(self.by_point, (point(old.alpha, old.beta), place))]
            self._tails.pop(place, None)
        if arm is None:
            insort(self.fresh, place)
        else:
            self.taught[place] = arm
            insort(self.by_point, (point(arm.alpha, arm.beta), place))

    def tail(self, at: int) -> "Tail":
        """Of the arm with the n-th lowest point."""
        least, place = self.by_point[at]
        tail = self._tails.get(place)
        if tail is None:
            tail = self._tails[place] = Tail(self.taught[place], least)
        return tail


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


def point(alpha: float, beta: float) -> float:
    """Passed by about four draws of a hundred (Abramowitz and Stegun, 26.5.22)."""
    a, b = 1 / (2 * alpha - 1), 1 / (2 * beta - 1)
    h = 2 / (a + b)
    w = LUCK * sqrt(h + _CURVE) / h + (b - a) * (_CURVE + 5 / 6 - 2 / (3 * h))
    return min(alpha / (alpha + beta * exp(-2 * w)), _LAST_BELOW_ONE)


def draw(arm: Arm | None, random: Random) -> float:
    """One arm by itself."""
    return random.random() if arm is None else random.betavariate(arm.alpha, arm.beta)


def luckiest(arms: Arms, random: Random, first: int) -> Iterator[Draw]:
    """Every arm with its draw, best first; about as many as `first` cost little, those after them much."""
    fresh = Descent(arms.fresh, random)
    best = [*fresh.take(first), *_passing(arms, random)]
    done = {place for _, place in best}
    floor = _raised(arms, best, done, first, random)
    best.sort(reverse=True)
    if fresh.left:
        floor = max(floor, fresh.top)
    found = next((number for number, (value, _) in enumerate(best) if value < floor), len(best))
    yield from best[:found]
    below = (_below_point(arms, at, random) for at in range(len(arms.by_point)) if arms.by_point[at][1] not in done)
    yield from sorted([*best[found:], *fresh.take(fresh.left), *below], reverse=True)


def _raised(arms: Arms, best: list[Draw], done: set[int], first: int, random: Random) -> float:
    """Draws whoever may still be among the best, from the highest point down, until nobody can."""
    leading = nlargest(first, best)
    heapify(leading)
    at = len(arms.by_point) - 1
    while at >= 0 and (len(leading) < first or arms.by_point[at][0] > leading[0][0]):
        if arms.by_point[at][1] not in done:
            drawn = _below_point(arms, at, random)
            best.append(drawn)
            done.add(drawn[1])
            if len(leading) < first:
                heappush(leading, drawn)
            elif drawn > leading[0]:
                heapreplace(leading, drawn)
        at -= 1
    return leading[0][0] if at >= 0 else 0.0


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


def _passing(arms: Arms, random: Random) -> Iterator[Draw]:
    """Those who pass their points."""
    chance, by_point = random.random, arms.by_point
    at = int(log(1 - chance()) / _LEAP)
    while at < len(by_point):
        tail = arms.tail(at)
        if chance() * PASSING < tail.mass:
            value = tail.beyond(chance)
            if value is not None:
                yield value, by_point[at][1]
        at += 1 + int(log(1 - chance()) / _LEAP)


def _below_point(arms: Arms, at: int, random: Random) -> Draw:
    """Of an arm that is known not to pass its point."""
    limit, place = arms.by_point[at]
    arm = arms.taught[place]
    value = random.betavariate(arm.alpha, arm.beta)
    while value > limit:
        value = random.betavariate(arm.alpha, arm.beta)
    return value, place
