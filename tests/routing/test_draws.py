"""Luckiest first: as if every arm had been drawn, though few were."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from math import sqrt
from random import Random

import pytest

from gateway.domain.moment import Arm
from gateway.routing.draws import HARDLY, SELDOM, Arms, Draw, Level, Tail, luckiest

ROUNDS = 3000
GRID = [1 + 10 ** (step / 3) for step in range(-18, 19)]
KINDS: dict[str, Sequence[Arm | None]] = {
    "nobody was taught": [None] * 40,
    "all are alike": [Arm(alpha=9.0, beta=4.0)] * 40,
    "taught little": [Arm(alpha=1 + n % 3 * 0.7, beta=1 + n % 4 * 0.4) for n in range(40)],
    "taught much": [Arm(alpha=1 + 7.0 * n, beta=1 + 3.0 * (n % 11)) for n in range(40)],
    "some": [Arm(alpha=4.0, beta=2.0 + n / 10) if n % 3 else None for n in range(40)],
    "one": [Arm(alpha=3.0, beta=2.0)],
}


def slowly(arms: Sequence[Arm | None], random: Random) -> list[Draw]:
    return sorted(((by_the_library(arm, random), place) for place, arm in enumerate(arms)), reverse=True)


def by_the_library(arm: Arm | None, random: Random) -> float:
    return random.random() if arm is None else random.betavariate(arm.alpha, arm.beta)


def quickly(arms: Sequence[Arm | None], random: Random, first: int) -> list[Draw]:
    return list(luckiest(Arms(arms), random, first))


def far_apart(left: list[float], right: list[float]) -> float:
    """Kolmogorov and Smirnov: the largest distance of two distributions, in units of chance."""
    left, right = sorted(left), sorted(right)
    gap = max(abs(bisect_right(left, at) / len(left) - bisect_right(right, at) / len(right)) for at in left)
    return gap * sqrt(len(left) * len(right) / (len(left) + len(right)))


@pytest.mark.parametrize("first", [1, 5, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_every_rank_is_drawn_as_if_all_had_been_drawn(kind: str, first: int) -> None:
    arms = KINDS[kind]
    one, other = Random(5), Random(6)
    quick, slow = Arms(arms), [slowly(arms, other) for _ in range(ROUNDS // 2)]
    found = [list(luckiest(quick, one, first)) for _ in range(ROUNDS // 2)]
    for rank in {0, 1, 3, first - 1, first, len(arms) // 2, len(arms) - 1}:
        if rank < len(arms):
            assert far_apart([draws[rank][0] for draws in found], [draws[rank][0] for draws in slow]) < 1.9


@pytest.mark.parametrize("kind", KINDS)
def test_every_arm_is_drawn_from_its_own_distribution(kind: str) -> None:
    arms = KINDS[kind]
    one, other, quick = Random(7), Random(8), Arms(arms)
    found: list[dict[int, float]] = [
        {place: value for value, place in luckiest(quick, one, 4)} for _ in range(ROUNDS // 2)
    ]
    for place in {0, 1, 2, len(arms) - 1}:
        if place < len(arms):
            truth = [by_the_library(arms[place], other) for _ in range(ROUNDS // 2)]
            assert far_apart([each[place] for each in found], truth) < 1.9


@pytest.mark.parametrize("kind", KINDS)
def test_the_luckiest_is_each_as_often_as_if_all_had_been_drawn(kind: str) -> None:
    arms = KINDS[kind]

    def winners(draws: Callable[[Random], list[Draw]], seed: int) -> Counter[int]:
        random = Random(seed)
        return Counter(draws(random)[0][1] for _ in range(ROUNDS))

    quick = Arms(arms)
    fast = winners(lambda random: list(islice(luckiest(quick, random, 4), 1)), 1)
    slow = winners(lambda random: slowly(arms, random), 2)
    for place in range(len(arms)):
        expected = (fast[place] + slow[place]) / 2
        assert abs(fast[place] - slow[place]) <= 5 * sqrt(2 * expected + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_each_arm_is_drawn_once_and_the_best_come_first(kind: str) -> None:
    arms = KINDS[kind]
    for seed in range(50):
        draws = quickly(arms, Random(seed), 8)
        assert draws == sorted(draws, reverse=True)
        assert {place for _, place in draws} == set(range(len(arms)))
        assert len(draws) == len(arms)
        assert all(0 <= value < 1 for value, _ in draws)
        assert draws == quickly(arms, Random(seed), 8)


@pytest.mark.parametrize("level", [SELDOM, HARDLY])
def test_no_tangent_promises_more_than_the_leaps_allow(level: Level) -> None:
    for alpha in (1.0, *GRID):
        for beta in (1.0, *GRID):
            arm = Arm(alpha=alpha, beta=beta)
            assert 0 < level.point(arm) < 1
            assert 0 < Tail(arm, level.point(arm)).mass < 0.92 * level.passing


def test_arms_that_are_taught_one_by_one_are_as_those_that_were_taught_before() -> None:
    random = Random(3)
    arms: list[Arm | None] = [None] * 30
    moved = Arms(arms)
    for _ in range(200):
        place = random.randrange(30)
        arm = None if random.random() < 0.2 else Arm(alpha=1 + random.random() * 9, beta=1 + random.random())
        if arm is not None or arms[place] is not None:
            arms[place] = arm
            moved.teach(place, arm)
        assert list(luckiest(moved, Random(1), 4)) == quickly(arms, Random(1), 4)
