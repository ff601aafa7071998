"""What is worked out of a value and kept for exactly as long as the value lives, found by its identity.

Nothing here can be stale: values are frozen, and a reload makes new ones.
"""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

K = TypeVar("K")
V = TypeVar("V")


class Beside(Generic[K, V]):
    """One thing beside each value; the value knows nothing of it."""

    __slots__ = ("_begin", "_kept")

    def __init__(self, begin: Callable[[], V]) -> None:
        self._begin = begin
        self._kept: dict[int, tuple[ref[K], V]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, value: K) -> V:
        """The same at each call, empty at the first."""
        mine = id(value)
        kept = self._kept.get(mine)
        if kept is None or kept[0]() is not value:
            kept = self._kept[mine] = (ref(value, lambda gone: self._forget(mine, gone)), self._begin())
        return kept[1]

    def _forget(self, mine: int, gone: ref[K]) -> None:
        if mine in self._kept and self._kept[mine][0] is gone:
            del self._kept[mine]
