"""Chance, thrown once for each plan and handed on as a number, so that a plan can be made again exactly."""

import random
from functools import partial


class Dice:
    """With a seed the throws repeat; without one they come from the operating system's chance."""

    __slots__ = ("luck", "roll")

    def __init__(self, seed: int | None = None) -> None:
        source = random.Random(seed)  # noqa: S311 - decides routes, not secrets
        self.luck = source.random
        """0 to 1: for jitter."""
        self.roll = partial(source.getrandbits, 64)
        """A seed for every draw of one plan."""
