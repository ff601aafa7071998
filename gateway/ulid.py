"""Names for requests: sortable by time, unique without asking anyone."""

import os
import random
from collections.abc import Callable

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in ALPHABET for low in ALPHABET)
_RANDOM = random.Random(os.urandom(32))  # noqa: S311 - unique, not secret: no call of the system per request
os.register_at_fork(after_in_child=lambda: _RANDOM.seed(os.urandom(32)))


def new_ulid(unix: float, bits: Callable[[int], int] = _RANDOM.getrandbits) -> str:
    """26 characters in lower case: 48 bits of milliseconds, then 80 of chance."""
    number = (int(unix * 1000) << 80 | bits(80)) & ((1 << 130) - 1)
    pairs = _PAIRS
    return "".join(
        [
            pairs[number >> 120],
            pairs[number >> 110 & 1023],
            pairs[number >> 100 & 1023],
            pairs[number >> 90 & 1023],
            pairs[number >> 80 & 1023],
            pairs[number >> 70 & 1023],
            pairs[number >> 60 & 1023],
            pairs[number >> 50 & 1023],
            pairs[number >> 40 & 1023],
            pairs[number >> 30 & 1023],
            pairs[number >> 20 & 1023],
            pairs[number >> 10 & 1023],
            pairs[number & 1023],
        ]
    )
