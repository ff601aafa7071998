"""Something wrong in a declaration: what, where, and what to do about it."""

import difflib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

Severity = Literal["error", "warning"]
SHOWN = 50


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Line and column count from 1 and point at the offending key or value."""

    code: str
    severity: Severity
    file: str | None
    line: int
    column: int
    path: str = ""
    message: str
    hint: str | None = None
    length: int = 1
    """How many characters the carets mark."""
    excerpt: str | None = None
    """The line, with what might be secret blotted out."""


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By file, line, column; the first 50, errors before warnings if not all fit."""
    placed = sorted(problems, key=_place)
    some = sorted(placed, key=lambda problem: problem.severity)[:SHOWN]
    return sorted(some, key=_place)


def _place(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file or "", problem.line, problem.column, problem.code


def as_json(problem: Problem) -> dict[str, Any]:
    """The form that CI systems read."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "hint": problem.hint,
    }


def as_text(problem: Problem) -> str:
    """The form that people read: place, sentence, the line with carets, a hint."""
    place = f"{problem.file}:{problem.line}:{problem.column}: " if problem.file else ""
    lines = [f"{place}{problem.severity} {problem.code}: {problem.message}"]
    if problem.excerpt is not None:
        lines += _excerpt(problem)
    if problem.hint:
        lines.append(f"hint: {problem.hint}")
    return "\n".join(lines)


_WIDTH = 110


def _excerpt(problem: Problem) -> list[str]:
    text = (problem.excerpt or "").replace("\t", " ")
    start = problem.column - 1
    if len(text) > _WIDTH and start > _WIDTH // 2:
        cut = start - _WIDTH // 2
        text, start = "…" + text[cut + 1 :], start - cut
    if len(text) > _WIDTH:
        text = text[:_WIDTH] + "…"
    rest = max(1, len(text) - start)
    carets = min(problem.length or rest, rest)
    return [f"{problem.line:>5} | {text}", f"      | {' ' * start}{'^' * carets}"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The hint that names what was probably meant."""
    found = nearest_name(name, known)
    return f"did you mean `{found}`?" if found is not None else None


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like this one."""
    names = _lower(tuple(known))
    low = name.lower()[:200]
    if low in names:
        return names[low]
    candidates = list(names) if len(names) <= FEW else _alike(low, tuple(names))
    close = difflib.get_close_matches(low, candidates, n=1, cutoff=0.6)
    begun = [other for other in candidates if len(low) > 1 and other.startswith(low)]
    return names[close[0]] if close else names[begun[0]] if len(begun) == 1 else None


FEW = 500
"""Ten thousand names take seconds to compare: beyond this number only those of similar length and beginning are."""


@lru_cache(maxsize=8)
def _lower(known: tuple[str, ...]) -> dict[str, str]:
    return {other.lower(): other for other in known}


def _alike(low: str, names: tuple[str, ...]) -> list[str]:
    return [other for other in _by_beginning(names).get(low[:2], ()) if abs(len(other) - len(low)) <= 3][:FEW]


@lru_cache(maxsize=8)
def _by_beginning(names: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name[:2], []).append(name)
    return found
