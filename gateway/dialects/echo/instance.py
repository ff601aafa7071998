"""Make the smallest value that a JSON Schema allows, so that echo can answer structured requests and call tools."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeGuard

from msgspec import Struct

DEPTH = 24
FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "email": "echo@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "hostname": "example.com",
}


NODES = 5_000


class Root(Struct):
    """The whole schema, and how many values may still be made of it."""

    schema: Any
    left: int = NODES


def instance_of(schema: Any) -> Any:
    """A value for most schemas; what it cannot know (a pattern, a negation) it leaves to the validator to refuse."""
    return _make(schema, Root(schema), DEPTH)


def _make(schema: Any, root: Root, depth: int) -> Any:
    root.left -= 1
    if not isinstance(schema, dict) or depth <= 0 or root.left <= 0:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    simpler = _simpler(schema, root.schema)
    if simpler is not None:
        return _make(simpler, root, depth - 1)
    maker = MAKERS.get(_type(schema))
    return maker(schema, root, depth) if maker else None


def _simpler(schema: dict[str, Any], root: Any) -> Any:
    """The schema without its reference, choice or conjunction."""
    if isinstance(schema.get("$ref"), str):
        return _follow(schema["$ref"], root) or True
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return _joined(schema, schema[name][0], name)
    if isinstance(schema.get("allOf"), list):
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            whole = _joined(whole, part, "")
        return whole
    return None


def _follow(ref: str, root: Any) -> Any:
    """Local references only."""
    if not ref.startswith("#"):
        return None
    place = root
    for step in ref[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        place = place.get(step) if isinstance(place, dict) else None
    return place


def _joined(whole: dict[str, Any], part: Any, but: str) -> dict[str, Any]:
    rest = {key: value for key, value in whole.items() if key != but}
    if not isinstance(part, dict):
        return rest
    joined = rest | part
    for name in ("properties", "required"):
        if name in rest and name in part:
            both = isinstance(rest[name], dict) and isinstance(part[name], dict)
            joined[name] = rest[name] | part[name] if both else [*rest[name], *part[name]]
    return joined


def _type(schema: dict[str, Any]) -> str:
    said = schema.get("type")
    if isinstance(said, list):
        said = next((name for name in said if name != "null"), "null")
    if isinstance(said, str):
        return said
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string" if "minLength" in schema else "object"


def _object(schema: dict[str, Any], root: Root, depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    required = schema.get("required")
    properties = properties if isinstance(properties, dict) else {}
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {name: _make(properties.get(name, {}), root, depth - 1) for name in names}


def _array(schema: dict[str, Any], root: Root, depth: int) -> list[Any]:
    least = schema.get("minItems")
    count = min(least, 100) if isinstance(least, int) else 0
    first = schema.get("prefixItems")
    first = first if isinstance(first, list) else []
    made = [_make(each, root, depth - 1) for each in first[:100]]
    return made + [_make(schema.get("items", {}), root, depth - 1) for _ in range(count - len(made))]


def _string(schema: dict[str, Any], root: Root, depth: int) -> str:  # noqa: ARG001
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    least = schema.get("minLength")
    most = schema.get("maxLength")
    text = "echo" if not isinstance(most, int) else "echo"[: max(most, 0)]
    return text.ljust(min(least, 10_000), ".") if isinstance(least, int) else text


def _integer(schema: dict[str, Any], root: Root, depth: int) -> int:  # noqa: ARG001
    return int(_bounded(schema, 1))


def _number(schema: dict[str, Any], root: Root, depth: int) -> float:  # noqa: ARG001
    return _bounded(schema, 0.5)


def _bounded(schema: dict[str, Any], step: float) -> float:
    """0 where it fits, else the nearest bound, else the next multiple."""
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    value: float = 0
    if _is_number(below):
        value = min(value, below - step)
    if _is_number(most):
        value = min(value, most)
    if _is_number(least):
        value = max(value, least)
    if _is_number(above):
        value = max(value, above + step)
    multiple = schema.get("multipleOf")
    if _is_number(multiple) and multiple > 0:
        value = -(-value // multiple) * multiple
    return value


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _boolean(schema: dict[str, Any], root: Root, depth: int) -> bool:  # noqa: ARG001
    return False


def _nothing(schema: dict[str, Any], root: Root, depth: int) -> None:  # noqa: ARG001
    return None


MAKERS: Mapping[str, Callable[[dict[str, Any], Root, int], Any]] = MappingProxyType(
    {
        "object": _object,
        "array": _array,
        "string": _string,
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "null": _nothing,
    }
)
