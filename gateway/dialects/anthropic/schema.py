"""Fit a JSON schema to what Anthropic's structured output understands."""

from typing import Any

KEPT = frozenset({"type", "enum", "const", "title", "description", "required", "$ref", "format", "default"})
"""Keywords that pass as they are."""
MANY = frozenset({"anyOf", "allOf"})
NAMED = frozenset({"properties", "$defs", "definitions"})
DROPPED = frozenset({"$schema", "$id", "$comment", "additionalProperties", "strict"})
"""Keywords that say nothing about the answer here: every object is closed."""
FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
DEEPEST = 60


def fit(schema: Any, depth: int = 0) -> Any:
    """Closed objects; what the provider cannot enforce moves into the description, so that the model still reads it."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return schema
    fitted: dict[str, Any] = {}
    told: list[str] = []
    for name, value in schema.items():
        if name in DROPPED:
            continue
        kept = _keyword(name, value, depth)
        if kept is None:
            told.append(f"{name}: {value}")
        else:
            fitted[kept[0]] = kept[1]
    if fitted.get("type") == "object" or "properties" in fitted:
        fitted["additionalProperties"] = False
    if told:
        description = fitted.get("description")
        fitted["description"] = (f"{description}\n\n" if description else "") + "{" + ", ".join(told) + "}"
    return fitted


def _keyword(name: str, value: Any, depth: int) -> tuple[str, Any] | None:
    if name == "format" and value not in FORMATS:
        return None
    if name in KEPT:
        return name, value
    if name == "items":
        return name, fit(value, depth + 1)
    if name == "minItems" and value in (0, 1):
        return name, value
    if (name in MANY or name == "oneOf") and isinstance(value, list):
        return "anyOf" if name == "oneOf" else name, [fit(each, depth + 1) for each in value]
    if name in NAMED and isinstance(value, dict):
        return name, {key: fit(each, depth + 1) for key, each in value.items()}
    return None
