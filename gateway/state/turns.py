"""Whose turn it is: how often each rotation has been used."""

from collections.abc import Mapping
from types import MappingProxyType

MANY = 10_000


class Turns:
    """Counters by the name of a rotation; a plan reads them, whoever carries the plan out says that it took one."""

    __slots__ = ("_counts", "view")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.view: Mapping[str, int] = MappingProxyType(self._counts)

    def took(self, name: str) -> None:
        if name not in self._counts and len(self._counts) >= MANY:
            del self._counts[next(iter(self._counts))]
        self._counts[name] = self._counts.get(name, 0) + 1
