"""Walk through a schema once: every schema inside it, where it lies, what it leads to, and whether it is well made."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.output.keywords import FORBIDDEN, HOLDS, IN_PLACE, MANY, NAMED, ONE, SHELVES

MOST_SCHEMAS = 2000
DEEPEST = 64
PLENTY = 10**9


class SchemaError(Exception):
    """Why a schema cannot be used, and where in it."""

    def __init__(self, pointer: str, why: str) -> None:
        super().__init__(why)
        self.pointer = pointer
        self.why = why


class Survey:
    """All schemas inside one, by number, and the ways from each to others."""

    def __init__(self) -> None:
        self.schemas: list[Mapping[str, Any]] = []
        self.pointers: list[str] = []
        self.same_value: list[list[int]] = []
        """Schemas that look at the same value: through `anyOf`, `$ref` and their like."""
        self.parts: list[list[int]] = []
        """Schemas that look at a part of the value."""
        self.patterns: list[tuple[str, str]] = []
        """Each regular expression, and where it stands."""
        self.numbers: dict[str, int] = {}


def survey(root: Mapping[str, Any]) -> Survey:
    """Raises SchemaError where anything is wrong that can be told without following references."""
    found = Survey()
    waiting: list[tuple[Any, str, int, int | None, bool]] = [(root, "#", 0, None, False)]
    while waiting:
        schema, pointer, depth, parent, same = waiting.pop()
        number = _enter(found, schema, pointer, depth)
        if parent is not None and number is not None:
            (found.same_value if same else found.parts)[parent].append(number)
        if number is not None:
            waiting.extend((inner, place, depth + 1, *way) for inner, place, way in _inside(schema, pointer, number))
    _follow(found)
    return found


def _enter(found: Survey, schema: Any, pointer: str, depth: int) -> int | None:
    if not isinstance(schema, bool | dict):
        raise SchemaError(pointer, "a schema is an object, or true or false")
    if depth > DEEPEST:
        raise SchemaError(pointer[:80], f"schemas are nested deeper than {DEEPEST}")
    if len(found.schemas) >= MOST_SCHEMAS:
        raise SchemaError("#", f"it holds more than {MOST_SCHEMAS} schemas")
    told = schema if isinstance(schema, dict) else {}
    for keyword, value in told.items():
        _check(found, pointer, keyword, value)
    if "$id" in told and pointer != "#":
        raise SchemaError(f"{pointer}/$id", "`$id` is allowed at the top only")
    number = len(found.schemas)
    found.schemas.append(told)
    found.pointers.append(pointer)
    found.same_value.append([])
    found.parts.append([])
    found.numbers[pointer] = number
    if "$anchor" in told:
        found.numbers.setdefault("#" + told["$anchor"], number)
    return number


def _check(found: Survey, pointer: str, keyword: str, value: Any) -> None:
    if keyword in FORBIDDEN:
        raise SchemaError(f"{pointer}/{keyword}", FORBIDDEN[keyword])
    if keyword in HOLDS and not HOLDS[keyword][0](value):
        raise SchemaError(f"{pointer}/{keyword}", f"`{keyword}` must be {HOLDS[keyword][1]}")
    if keyword == "items" and isinstance(value, list):
        raise SchemaError(f"{pointer}/items", "`items` is one schema; a list of them is called `prefixItems`")
    if keyword in MANY and not (isinstance(value, list) and value):
        raise SchemaError(f"{pointer}/{keyword}", f"`{keyword}` must be a list with at least one schema")
    if keyword in NAMED and not isinstance(value, dict):
        raise SchemaError(f"{pointer}/{keyword}", f"`{keyword}` must be an object")
    if keyword == "pattern":
        found.patterns.append((value, f"{pointer}/pattern"))
    elif keyword == "patternProperties":
        found.patterns.extend((name, f"{pointer}/patternProperties") for name in value)


Way = tuple[int | None, bool]


def _inside(schema: Any, pointer: str, number: int) -> Iterator[tuple[Any, str, Way]]:
    """The schemas right inside one; those on a shelf are led to by references only."""
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        way: Way = (None, False) if keyword in SHELVES else (number, keyword in IN_PLACE)
        place = f"{pointer}/{keyword}"
        if keyword in ONE:
            yield value, place, way
        elif keyword in MANY:
            yield from ((inner, f"{place}/{index}", way) for index, inner in enumerate(value))
        elif keyword in NAMED:
            yield from ((inner, f"{place}/{_escaped(name)}", way) for name, inner in value.items())


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _follow(found: Survey) -> None:
    for number, schema in enumerate(found.schemas):
        if "$ref" not in schema:
            continue
        ref, place = schema["$ref"], f"{found.pointers[number]}/$ref"
        if not ref.startswith("#"):
            raise SchemaError(place, "only references into the schema itself (`#/…`) are followed")
        target = found.numbers.get(_unquoted(ref))
        if target is None:
            raise SchemaError(place, f"`{ref[:60]}` leads to no schema")
        found.same_value[number].append(target)


def _unquoted(ref: str) -> str:
    """`%25` and its like as they are meant; `#/` names the whole as `#` does not, but nobody means the empty key."""
    text = ref
    for code, char in (("%24", "$"), ("%22", '"'), ("%20", " "), ("%7B", "{"), ("%7D", "}"), ("%25", "%")):
        text = text.replace(code, char).replace(code.lower(), char)
    return "#" if text == "#/" else text


FOLLOWING = 10
"""Following a reference costs as much as so many comparisons."""


def weights(found: Survey) -> list[int]:
    """How many comparisons each schema makes by itself."""
    return [
        (FOLLOWING if "$ref" in schema else 1)
        + sum(count_values(schema[name], PLENTY) for name in ("enum", "const", "required") if name in schema)
        for schema in found.schemas
    ]


def count_values(value: Any, most: int) -> int:
    """How many values there are in one, itself included; counting stops soon after `most`."""
    count = 0
    waiting = [value]
    while waiting and count <= most:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return count


def total(ways: list[list[int]], weights: list[int]) -> list[int] | int:
    """What each schema weighs when every way from it is walked; the number of one that leads to itself instead."""
    sums: list[int] = [0] * len(ways)
    begun = bytearray(len(ways))
    for start in range(len(ways)):
        stack = [start]
        while stack:
            at = stack[-1]
            if not begun[at]:
                begun[at] = 1
                for next_one in ways[at]:
                    if begun[next_one] == 1:
                        return next_one
                    if not begun[next_one]:
                        stack.append(next_one)
                continue
            stack.pop()
            if begun[at] == 1:
                begun[at] = 2
                sums[at] = min(PLENTY, weights[at] + sum(sums[next_one] for next_one in ways[at]))
    return sums
