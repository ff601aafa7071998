"""Thompson sampling: each offer's arm is drawn once, the luckiest goes first, and every attempt teaches its arm.

One Beta arm per offer and input size. The dice are thrown before planning (`Moment.chance`), so a plan is repeatable.
"""

from collections.abc import Iterator
from random import Random
from typing import Literal

from gateway.domain.moment import Arm
from gateway.routing.draws import draw, every_arm, luckiest
from gateway.routing.runners import Runners
from gateway.routing.scene import Scene
from gateway.routing.score import Ranked

Bucket = Literal["small", "medium", "large"]

MODE = "thompson"
FAILED = 0.0
"""The reward of an attempt that failed by the provider's fault; callers' own errors teach nothing at all."""

_OWN_DICE = 64
"""A throw has so many bits; above them is room to tell one's own dice from everyone's."""

DEAR_USD = 0.1
SHORTEST_DEADLINE_MS = 1000.0


class ByDraw:
    """Luckiest first; and each by itself."""

    def __init__(self, runners: Runners, scene: Scene) -> None:
        self._runners = runners
        self._chance = scene.moment.chance
        self._arms = runners.field.arms(scene.moment.arms, bucket(scene.ask.input_tokens))

    def __iter__(self) -> Iterator[Ranked]:
        unfit, random = self._runners.unfit, Random(self._chance)  # noqa: S311 - chance, not secrecy
        if self._runners.handful:
            draws = every_arm(self._arms, len(self._runners.field.offers), random)
        else:
            draws = luckiest(self._arms, random, self._first())
        for drawn, place in draws:
            if place not in unfit:
                yield self._ranked(place, drawn)

    def judge(self, place: int) -> Ranked:
        """With a throw of its own, so that a hint does not wait until everyone was drawn."""
        dice = Random(self._chance ^ (place + 1 << _OWN_DICE))  # noqa: S311 - chance, not secrecy
        return self._ranked(place, draw(self._arms.taught.get(place), dice))

    def _first(self) -> int:
        """Who is out was drawn, too."""
        count = len(self._runners.field.offers)
        return self._runners.first * count // max(count - len(self._runners.unfit), 1)

    def _ranked(self, place: int, drawn: float) -> Ranked:
        return Ranked(self._runners.field.offers[place], self._runners.costs((place,))[0], draw=drawn)


def bucket(input_tokens: int) -> Bucket:
    if input_tokens < 1000:
        return "small"
    return "medium" if input_tokens <= 10_000 else "large"


def reward(cost_usd: float, latency_ms: float, deadline_ms: float) -> float:
    """Of an attempt that served: between 0.4 and 1, more for the cheap and the quick."""
    dear = cost_usd / DEAR_USD
    slow = latency_ms / (deadline_ms if deadline_ms > SHORTEST_DEADLINE_MS else SHORTEST_DEADLINE_MS)
    return 0.4 + 0.3 * (1.0 - dear if dear < 1.0 else 0.0) + 0.3 * (1.0 - slow if slow < 1.0 else 0.0)


def learn(arm: Arm, reward: float, elapsed_s: float, half_life_s: float) -> Arm:
    """The arm after one more attempt, `elapsed_s` after the one before."""
    faded = fade(arm, elapsed_s, half_life_s)
    return Arm(alpha=faded.alpha + reward, beta=faded.beta + 1 - reward)


def fade(arm: Arm, elapsed_s: float, half_life_s: float) -> Arm:
    """What was learnt loses half its weight every half-life; what is left in the end is Beta(1, 1)."""
    if elapsed_s <= 0 or half_life_s <= 0:
        return arm
    kept = 0.5 ** (elapsed_s / half_life_s)
    return Arm(alpha=1 + (arm.alpha - 1) * kept, beta=1 + (arm.beta - 1) * kept)
