"""Where the tests of a configuration stand: one that fails is shown at its place long after the files were read."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from gateway.config.blot import blotted
from gateway.config.codes import CODES
from gateway.config.problem import Problem
from gateway.config.tree import Node, Path, Spot, find, written

LONGEST_LINE = 2000


class Place(Struct, frozen=True, array_like=True):
    """A stretch of a line: small, and fit to travel between processes."""

    file: str
    line: int
    column: int
    length: int
    excerpt: str | None


def places_of(root: Node | None, part: str) -> dict[str, Place]:
    """Every name and value under one top-level key, by its path."""
    node = find(root, (part,)) if root is not None else None
    return {} if node is None else {written(path): _place(spot) for path, spot in _spots(node, (part,))}


def problem_at(places: Mapping[str, Place], code: str, path: Path, message: str, hint: str | None = None) -> Problem:
    """At the path itself or, where it is not written out, at the nearest thing around it."""
    place = next((found for length in range(len(path), 0, -1) if (found := places.get(written(path[:length])))), None)
    return Problem(
        code=code,
        severity=CODES[code].severity,
        file=place.file if place else None,
        line=place.line if place else 1,
        column=place.column if place else 1,
        length=place.length if place else 1,
        path=written(path),
        message=message,
        hint=hint,
        excerpt=place.excerpt if place else None,
    )


def _spots(node: Node, path: Path) -> Iterator[tuple[Path, Spot]]:
    value = node.value
    yield path, node.key if node.key and isinstance(value, dict | list) else node.spot
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _spots(child, (*path, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _spots(child, (*path, index))


def _place(spot: Spot) -> Place:
    line = spot.source.line(spot.line)
    excerpt = blotted(line) if len(line) <= LONGEST_LINE else None
    return Place(spot.source.name, spot.line, spot.column, spot.length, excerpt)
