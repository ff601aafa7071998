"""What to write instead of a value that does not fit."""

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from gateway.config.forms import Record
from gateway.config.say import short
from gateway.config.shape.words import Word
from gateway.config.tree import Node

OF_LITELLM = frozenset(
    {"model_list", "litellm_settings", "router_settings", "general_settings", "environment_variables"}
)
"""Keys of the files of another gateway."""
OURS = frozenset({"version", "providers", "models", "include"})

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "duration": "a number and a unit without a blank: `ms`, `s`, `m`, `h` or `d`",
        "sync": "a number and a unit without a blank, or `always`",
        "size": "a number and a unit without a blank: `KiB`, `MiB`, `GiB`",
        "date": "year, month, day",
        "digest": "make one with `tokenhub keys new NAME`",
    }
)
_UNITS = MappingProxyType({"duration": "s", "sync": "ms", "size": "MiB"})
_TIMES = MappingProxyType({"k": 1_000, "m": 1_000_000})
_NUMBER = re.compile(r"[$€]? ?([0-9][0-9_,]*(?:\.[0-9]+)?) ?([kKmM%]?)(?: ?(?:USD|usd|tokens|[$€]))?")


def looks_like_litellm(name: str, entries: Collection[str]) -> bool:
    """Whether a whole file is meant for that gateway, by a key of it and all keys beside it."""
    return name in OF_LITELLM and OURS.isdisjoint(entries)


def known_here(form: Record) -> str:
    return "known here: " + ", ".join(f"`{field}`" for field in sorted(form.fields))


def number_hint(value: Any) -> str | None:
    """What to do about `"5"`, `1_000`, `128k`, `20%` and `$2.50`."""
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    digits, unit = match[1].replace("_", "").replace(",", ""), match[2].lower()
    if digits == value:
        return f"write {digits} without quotes"
    if unit == "%":
        return f"write {float(digits) / 100:g}"
    return f"write {float(digits) * _TIMES[unit]:.0f}" if unit else f"write {digits}"


def unit_hint(word: Word, raw: str) -> str | None:
    """What to do about a measure that is a bare number."""
    unit = _UNITS.get(word.name)
    return f"add a unit, for example `{raw}{unit}`" if unit and raw.replace(".", "", 1).isdecimal() else None


def list_hint(node: Node) -> str | None:
    return (
        f"write `[{short(node.value)}]`"
        if isinstance(node.value, str) and node.value and "${" not in node.value
        else None
    )


def reference_hint(name: str) -> str | None:
    return "names cannot hold references" if "${" in name else None
