"""References in text: `${env:NAME}`, `${env:NAME:-default}`, `${file:/path}`; found, looked up, put in."""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

REFERENCE = re.compile(r"\$\{(?:env:([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?|file:([^{}\x00-\x1f]+))\}")


class Reference(Struct, frozen=True):
    """One reference as written, and what it points at."""

    text: str
    source: Literal["env", "file"]
    name: str
    default: str | None


def references(text: str) -> list[Reference]:
    """All that stand in a text, in order."""
    return [
        Reference(match[0], "file", match[3], None) if match[3] else Reference(match[0], "env", match[1], match[2])
        for match in REFERENCE.finditer(text)
    ]


def malformed(text: str) -> str | None:
    """The first `${…` that is no reference."""
    rest = REFERENCE.sub("", text)
    start = rest.find("${")
    return rest[start : start + 40].split("}")[0] + "}" if start >= 0 else None


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with the values of its references; those without a value stay as written."""
    if "${" not in text:
        return text
    return REFERENCE.sub(lambda match: values.get(match[0], match[0]), text)


def filled(text: str, values: Mapping[str, str]) -> str | None:
    """The text with all its references put in, or None while one has no value."""
    known = all(match[0] in values for match in REFERENCE.finditer(text))
    return fill(text, values) if known else None


def is_inline(text: str) -> bool:
    """Whether a credential is written out, as a whole or as the default of a reference."""
    found = references(text)
    return bool(text) and (not found or any(reference.default for reference in found))
