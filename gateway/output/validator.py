"""Validate a value by a schema that was found safe: no network, no backtracking, the first fault in plain words."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import re2
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from msgspec import Struct
from referencing import Registry

MOST_MEMORY = 512 * 1024
WHY_CHARS = 200
KEPT_PATTERNS = 1024


class Mismatch(Struct, frozen=True):
    """Where an answer breaks its contract, and how."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


@lru_cache(KEPT_PATTERNS)
def pattern_of(pattern: str) -> Any:
    """The compiled expression; raises re2.error where it cannot be had in linear time and bounded memory."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    return re2.compile(pattern, options)


def validator_of(schema: Mapping[str, Any] | bool) -> Any:
    """A validator that knows nothing but this schema."""
    return SAFE(schema, registry=NOTHING_ELSE)


def first_fault(validator: Any, value: Any) -> Mismatch | None:
    """None where the value fits."""
    try:
        error = next(validator.iter_errors(value), None)
    except RecursionError:
        return Mismatch("$", "nested too deeply to be checked")
    return None if error is None else Mismatch(path_of(error.absolute_path), _line(error.message))


def path_of(steps: Iterable[str | int]) -> str:
    """`$.orders[0].id`."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return f"${path}" if len(path) <= WHY_CHARS else f"${path[:WHY_CHARS]}…"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WHY_CHARS else line[: WHY_CHARS - 1] + "…"


Faults = Iterator[ValidationError]


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Faults:  # noqa: ARG001
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance[:80]!r} does not match {pattern[:80]!r}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Any) -> Faults:  # noqa: ARG001
    if not isinstance(instance, dict):
        return
    for pattern, inner in patterns.items():
        for name, value in instance.items():
            if _found(pattern, name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, inner: Any, instance: Any, schema: Mapping[str, Any]) -> Faults:
    if not isinstance(instance, dict):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    more = [name for name in instance if name not in named and not any(_found(each, name) for each in patterns)]
    if inner is False and more:
        yield ValidationError(f"unexpected properties: {', '.join(repr(name) for name in more[:5])}")
    elif isinstance(inner, dict):
        for name in more:
            yield from validator.descend(instance[name], inner, path=name)


def _unique_items(validator: Any, wanted: bool, instance: Any, schema: Any) -> Faults:  # noqa: ARG001
    if not wanted or not isinstance(instance, list):
        return
    seen: set[bytes] = set()
    for index, item in enumerate(instance):
        key = msgspec.json.encode(_plain(item), order="sorted")
        if key in seen:
            yield ValidationError(f"item {index} is there twice")
            return
        seen.add(key)


def _plain(value: Any) -> Any:
    """1.0 and 1 are the same to a schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value


def _found(pattern: str, text: str) -> bool:
    return pattern_of(pattern).search(text) is not None


NOTHING_ELSE: Registry[Any] = Registry()
"""No document but the schema itself exists, and none is fetched."""
SAFE = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    },
)
