"""Lay one tree over another: maps merge deeply, lists and scalars replace, and every leaf keeps its origin."""

from collections.abc import Callable

from gateway.config.tree import Node, Path

CONCATENATED = frozenset({"keys", "tests", "policies", "include", "overlay"})
"""These lists of several files become one list."""

_AGREED = frozenset({"version"})

Clash = Callable[[Path, Node, Node], None]
"""Told of a leaf that both trees set: path, below, above."""


def merge(below: Node, above: Node, clash: Clash | None = None) -> Node:
    """What both say; where both speak of one leaf the upper wins, and `clash` hears of it."""
    return _merge(below, above, (), clash)


def _merge(below: Node, above: Node, path: Path, clash: Clash | None) -> Node:
    if isinstance(below.value, dict) and isinstance(above.value, dict):
        return _with(above, _maps(below.value, above.value, path, clash))
    if len(path) == 1 and path[0] in CONCATENATED and isinstance(below.value, list) and isinstance(above.value, list):
        return _with(above, below.value + above.value)
    if clash is not None and not (len(path) == 1 and path[0] in _AGREED and below.value == above.value):
        clash(path, below, above)
    return above


def _maps(below: dict[str, Node], above: dict[str, Node], path: Path, clash: Clash | None) -> dict[str, Node]:
    both = dict(below)
    for name, node in above.items():
        other = both.get(name)
        both[name] = node if other is None else _merge(other, node, (*path, name), clash)
    return both


def _with(node: Node, value: object) -> Node:
    return Node(value, node.source, node.line, node.column, node.length, node.quoted, node.key)
