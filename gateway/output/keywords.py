"""The keywords of JSON Schema (Draft 2020-12): which hold schemas, and what the others may hold."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

ONE = frozenset(
    {
        *("additionalProperties", "propertyNames", "unevaluatedProperties", "items", "contains", "unevaluatedItems"),
        *("not", "if", "then", "else"),
    }
)
"""Keywords that hold a schema."""
MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords that hold a list of schemas."""
NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
"""Keywords that hold schemas by name."""
SHELVES = frozenset({"$defs", "definitions"})
"""Where schemas lie until somebody refers to them."""
IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas look at the very same value, and not at a part of it."""
FORBIDDEN: Mapping[str, str] = MappingProxyType(
    {
        "$dynamicRef": "`$dynamicRef` is not supported",
        "$recursiveRef": "`$recursiveRef` is not supported",
        "$vocabulary": "`$vocabulary` is not supported",
    }
)
TYPES = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_type(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(each, str) and each in TYPES for each in value)
    return isinstance(value, str) and value in TYPES


def _is_above_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_names_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(_is_names(each) for each in value.values())


Rule = tuple[Callable[[object], bool], str]
HOLDS: Mapping[str, Rule] = MappingProxyType(
    {
        "type": (_is_type, "the name of a JSON type, or a list of them"),
        "enum": (_is_list, "a list"),
        "required": (_is_names, "a list of names"),
        "dependentRequired": (_is_names_by_name, "lists of names, by name"),
        "multipleOf": (_is_above_zero, "a number above 0"),
        "uniqueItems": (_is_flag, "true or false"),
        **dict.fromkeys(("pattern", "$ref", "$anchor", "$id", "title", "description"), (_is_text, "a string")),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_is_number, "a number")),
        **dict.fromkeys(
            (
                *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
                *("minContains", "maxContains"),
            ),
            (_is_count, "a whole number, 0 or more"),
        ),
    }
)
"""What a keyword must hold; keywords that are not here, nor above, say nothing and are left alone."""
