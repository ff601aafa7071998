"""Names for requests: sortable by time, unique without asking anyone.

Those that one process makes within a millisecond share their chance and end in `00`, `01`, `02` …: a busy process
draws once for many.
"""

import os
import random
from collections.abc import Iterator

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
_PAIRS = tuple(high + low for high in ALPHABET for low in ALPHABET)
_AFTER_THE_FIRST = _PAIRS[1:]
_MS = 1000.0


class Mint:
    """Makes the names of one process."""

    __slots__ = ("_bits", "_chance", "_names", "_since", "_until")

    def __init__(self) -> None:
        self._chance = random.Random()  # noqa: S311 - unique, not secret: no call of the system per request
        self._bits = self._chance.getrandbits
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nothing in common with the names that this process made before it was forked."""
        self._chance.seed(os.urandom(32))
        self._since = self._until = 0.0
        self._names: Iterator[str] = iter(())

    def new(self, unix: float) -> str:
        if self._since <= unix < self._until:
            name = next(self._names, None)
            if name is not None:
                return name
        return self._first_of(int(unix * _MS))

    def _first_of(self, ms: int) -> str:
        """Of a millisecond, or of what is left of it once the first thousand names are taken."""
        first = ulid_of(ms, self._bits(70) << 10)
        self._names = map(first[:-2].__add__, _AFTER_THE_FIRST)
        self._since, self._until = ms / _MS, (ms + 1) / _MS
        return first


def ulid_of(ms: int, chance: int) -> str:
    """26 characters in lower case: 48 bits of milliseconds, then 80 of chance."""
    pairs = _PAIRS
    return (
        f"{pairs[ms >> 40 & 1023]}{pairs[ms >> 30 & 1023]}{pairs[ms >> 20 & 1023]}{pairs[ms >> 10 & 1023]}"
        f"{pairs[ms & 1023]}{pairs[chance >> 70]}{pairs[chance >> 60 & 1023]}{pairs[chance >> 50 & 1023]}"
        f"{pairs[chance >> 40 & 1023]}{pairs[chance >> 30 & 1023]}{pairs[chance >> 20 & 1023]}"
        f"{pairs[chance >> 10 & 1023]}{pairs[chance & 1023]}"
    )


def is_ulid(text: str) -> bool:
    return len(text) == _LENGTH and all(letter in ALPHABET for letter in text)


_MINT = Mint()
os.register_at_fork(after_in_child=_MINT.begin_anew)
new_ulid = _MINT.new
