"""Names for requests: sortable by time, unique without asking anyone."""

import os
import random
from collections.abc import Callable
from functools import lru_cache

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_PAIRS = tuple(high + low for high in ALPHABET for low in ALPHABET)
_RANDOM = random.Random(os.urandom(32))  # noqa: S311 - unique, not secret: no call of the system per request
os.register_at_fork(after_in_child=lambda: _RANDOM.seed(os.urandom(32)))


def new_ulid(unix: float, bits: Callable[[int], int] = _RANDOM.getrandbits) -> str:
    """26 characters in lower case: 48 bits of milliseconds, then 80 of chance."""
    chance, pairs = bits(80), _PAIRS
    return (
        _when(int(unix * 1000))
        + pairs[chance >> 70]
        + pairs[chance >> 60 & 1023]
        + pairs[chance >> 50 & 1023]
        + pairs[chance >> 40 & 1023]
        + pairs[chance >> 30 & 1023]
        + pairs[chance >> 20 & 1023]
        + pairs[chance >> 10 & 1023]
        + pairs[chance & 1023]
    )


def is_ulid(text: str) -> bool:
    return len(text) == _LENGTH and all(letter in ALPHABET for letter in text)


@lru_cache(maxsize=16)
def _when(ms: int) -> str:
    return "".join(_PAIRS[ms >> shift & 1023] for shift in (40, 30, 20, 10, 0))
