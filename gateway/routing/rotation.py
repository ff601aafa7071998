"""Whose turn it is: a weighted rotation as a pure function of a counter.

With whole weights w1…wn and their sum W, every W turns in a row that start at a multiple of W give offer i exactly
wi turns, spread evenly: its j-th turn is due at (2j + 1) / wi, and turns are taken as they are due.
"""

from collections.abc import Sequence
from functools import lru_cache
from heapq import heapify, heapreplace
from math import gcd

FINEST = 1000
"""Weights count to three decimals."""


def rotate(weights: Sequence[float], turn: int) -> tuple[int, int]:
    """The index whose turn it is, and how many turns it has had before."""
    if len(weights) == 1:
        return 0, turn
    first = weights[0]
    if all(weight == first for weight in weights):
        return turn % len(weights), turn // len(weights)
    whole = _whole(tuple(weights))
    cycle, place = divmod(turn, sum(whole))
    index, before = _due(whole, place)
    return index, cycle * whole[index] + before


@lru_cache(maxsize=1024)
def _whole(weights: tuple[float, ...]) -> tuple[int, ...]:
    scaled = [max(0, round(weight * FINEST)) for weight in weights]
    if not any(scaled):
        return (1,) * len(weights)
    divisor = gcd(*scaled)
    return tuple(weight // divisor for weight in scaled)


def _due(whole: tuple[int, ...], place: int) -> tuple[int, int]:
    """Who is at `place` when all turns of one cycle are sorted by the time they are due."""
    total = sum(whole)
    bidders = [index for index, weight in enumerate(whole) if weight]
    # At this time at most `place` turns are due, so counting starts below the goal and at most n steps are left.
    early = 2 * place - len(bidders)
    had = {index: max(0, (whole[index] * early + total) // (2 * total)) for index in bidders}
    queue = [((2 * had[index] + 1) / whole[index], index) for index in bidders]
    heapify(queue)
    for _ in range(place - sum(had.values())):
        index = queue[0][1]
        had[index] += 1
        heapreplace(queue, ((2 * had[index] + 1) / whole[index], index))
    index = queue[0][1]
    return index, had[index]
