"""What was read, as a tree whose every node knows the file, line and column it came from."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

Path = tuple[str | int, ...]
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_SIMPLE = re.compile(r"[^.\[\]\"\s]+")


class Source(Struct, frozen=True, eq=False):
    """One file as text."""

    name: str
    """As messages call it."""
    text: str

    def line(self, number: int) -> str:
        """Counted from 1."""
        lines = self.lines()
        return lines[number - 1] if number <= len(lines) else ""

    def lines(self) -> list[str]:
        return _lines(self.text)


@lru_cache(maxsize=8)
def _lines(text: str) -> list[str]:
    return _BREAK.split(text)


class Spot(NamedTuple):
    """A stretch of one line; line and column count from 1."""

    source: Source
    line: int
    column: int
    length: int
    """0 where it goes on over the end of the line."""


class Node(Struct, gc=False):
    """One value: text, number, flag, None, BROKEN, `dict[str, Node]` or `list[Node]`."""

    value: Any
    source: Source
    line: int
    column: int
    length: int
    quoted: bool
    key: Spot | None = None
    """Where its name stands, in a map."""

    @property
    def spot(self) -> Spot:
        return Spot(self.source, self.line, self.column, self.length)


class _Broken:
    """Stands for a value that a problem was already reported about."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN = _Broken()


def find(root: Node, path: Path) -> Node | None:
    """The node at a path, or None."""
    node = root
    for step in path:
        value = node.value
        known = step in value if isinstance(value, dict) else isinstance(value, list) and int(step) < len(value)
        if not known:
            return None
        node = value[step]
    return node


def written(path: Path) -> str:
    """`models.gpt-4o.offers[0].id`; names with dots stand in quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = step if _SIMPLE.fullmatch(step) else '"' + step.replace('"', '\\"') + '"'
            text += f".{name}" if text else name
    return text
