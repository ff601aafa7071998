"""Fields that other vendors' clients send and that nobody here knows: refused, or left out and named where allowed."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.inbound.checks import unknown
from gateway.domain.visit import Visit


def without_unknown(
    visit: Visit, fields: Mapping[str, Any], known: frozenset[str]
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """What is left to translate, and the names of what is not told; the translators refuse what they do not know."""
    if visit.snapshot.defaults.unsupported_parameters != "drop":
        return fields, ()
    left_out = unknown(fields, known)
    if not left_out:
        return fields, ()
    return {name: value for name, value in fields.items() if name not in left_out}, left_out
