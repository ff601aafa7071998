"""Read a caller's fields, or say which one is wrong, by its path."""

from collections.abc import Mapping
from typing import Any, TypeVar

from gateway.errors import RequestError

T = TypeVar("T")
NAMES = {str: "a string", list: "an array", dict: "an object", int: "an integer", bool: "true or false"}


def required(fields: Mapping[str, Any], name: str, kind: type[T], place: str = "") -> T:
    """The field's value; a missing one and one of another type are the caller's mistakes."""
    path = f"{place}.{name}" if place else name
    value = fields.get(name)
    if value is None:
        raise RequestError("bad_request", "missing_field", f"`{path}` is required.", param=path)
    return typed(value, kind, path)


def optional(fields: Mapping[str, Any], name: str, kind: type[T], place: str = "") -> T | None:
    """The field's value, or None where it is absent or null."""
    value = fields.get(name)
    return None if value is None else typed(value, kind, f"{place}.{name}" if place else name)


def typed(value: object, kind: type[T], path: str) -> T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise RequestError("bad_request", "invalid_type", f"`{path}` must be {NAMES[kind]}.", param=path)
    return value


def refused(path: str, why: str = "is not supported by this gateway") -> RequestError:
    """A field that has no counterpart in a chat completion."""
    return RequestError("invalid_value", "unsupported_parameter", f"`{path}` {why}.", param=path)


def unknown(fields: Mapping[str, Any], known: frozenset[str]) -> tuple[str, ...]:
    """Names of fields that ask for something nobody here knows."""
    return tuple(name for name, value in fields.items() if name not in known and value not in (None, False, [], {}))


def refuse_unknown(fields: Mapping[str, Any], known: frozenset[str], place: str = "") -> None:
    """Nothing that asks for something is dropped in silence."""
    for name in unknown(fields, known):
        raise refused(f"{place}.{name}" if place else name)
