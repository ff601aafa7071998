"""Say in which ways something holds, as shortly as is true enough: `always`, `strategy cost; with openai down`."""

from collections.abc import Iterable

Way = tuple[str, ...]

WELL = "all is well"
UNEVEN = "with uneven latencies and errors"
SHOWN = 4
ORDER = ("case", "key", "needs", "strategy", "size", "world")


def told_when(mine: Iterable[Way], all_ways: Iterable[Way]) -> str:
    """By dimension, only what narrows it down; what holds when all is well is not told for the outages, too."""
    ways = list(mine)
    found, known = _by_dimension([way for way in ways if WELL in way] or ways), _by_dimension(all_ways)
    if "strategy" in found or "size" in found:
        found.pop("needs", None)
        found.pop("key", None)
    if WELL in found.get("world", ()):
        found.pop("world")
    parts = [_listed(values) for name in ORDER if (values := found.get(name)) and values != known[name]]
    return "; ".join(parts) or "always"


def _by_dimension(ways: Iterable[Way]) -> dict[str, dict[str, None]]:
    """Values in the order in which they came."""
    found: dict[str, dict[str, None]] = {}
    for way in ways:
        for part in way:
            found.setdefault(_dimension(part), {})[part] = None
    return {name: dict.fromkeys(sorted(values, key=_rank)) for name, values in found.items()}


def _dimension(part: str) -> str:
    if part == WELL or part.startswith("with "):
        return "world"
    word = part.partition(" ")[0]
    return word if word in ORDER else "size"


def _rank(part: str) -> tuple[int, str]:
    """Sizes by their number, all else by their letters."""
    number = part.partition(" ")[0].replace(",", "")
    return (int(number), "") if number.isdigit() else (0, part)


def _listed(values: Iterable[str]) -> str:
    words = list(values)
    first = words[0].partition(" ")[0]
    if len(words) > 1 and all(word.startswith(f"{first} ") for word in words) and first in ("strategy", "with"):
        words = [words[0], *(word.partition(" ")[2] if first == "strategy" else word for word in words[1:])]
    shown = words[:SHOWN]
    return " or ".join(shown) + (f" or {len(words) - SHOWN} more" if len(words) > SHOWN else "")
