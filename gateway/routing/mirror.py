"""What became different in a mapping since it was last looked at: found by identity, at a few nanoseconds an entry.

Plans are pure functions of their moment, and moments hold thousands of facts of which a few change from one plan to
the next. Whoever keeps something that was worked out from such facts asks here whether it still holds.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

STRIDE = 128
"""Entries compared at a time."""


class Mirror(Generic[K, V]):
    """A mapping as it was."""

    __slots__ = ("_keys", "_values")

    def __init__(self) -> None:
        self._keys: list[K] = []
        self._values: list[V] = []

    def changes(self, now: Mapping[K, V]) -> Mapping[K, V | None] | None:
        """What is new or different, and None for what is gone; None if nothing is."""
        if not now and not self._keys:
            return None
        values = list(now.values())
        keys = list(now)
        old_keys, old_values = self._keys, self._values
        if keys == old_keys and values == old_values:
            return None
        self._keys, self._values = keys, values
        if len(keys) < len(old_keys) or keys[: len(old_keys)] != old_keys:
            return dict.fromkeys(old_keys) | dict(now)
        found: dict[K, V | None] = {}
        count = len(old_keys)
        for start in range(0, count, STRIDE):
            end = min(start + STRIDE, count)
            if values[start:end] != old_values[start:end]:
                for at in range(start, end):
                    if values[at] is not old_values[at]:
                        found[keys[at]] = values[at]
        for at in range(count, len(keys)):
            found[keys[at]] = values[at]
        return found
