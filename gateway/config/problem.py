"""Something wrong in a declaration: what, where, and what to do about it."""

import difflib
import sys
from collections.abc import Iterable
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
    some = sorted(problems, key=lambda problem: problem.severity)[:SHOWN] if SHOWN else []
    return sorted(some, key=lambda problem: (problem.file or "", problem.line, problem.column, problem.code))


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
    names = {other.lower(): sys.intern(other) for other in known}
    if name.lower() in names:
        return names[name.lower()]
    candidates = _candidates(name, names)
    close = difflib.get_close_matches(name.lower()[:200], candidates, n=1, cutoff=0.6)
    begun = [other for other in candidates if len(name) > 1 and other.startswith(name.lower())]
    return names[close[0]] if close else names[begun[0]] if len(begun) == 1 else None


def _candidates(name: str, names: dict[str, str]) -> list[str]:
    """Ten thousand names take seconds to compare: only those of similar length and beginning are."""
    if len(names) <= 500:
        return list(names)
    return [other for other in names if abs(len(other) - len(name)) <= 3 and other[:2] == name[:2].lower()][:500]
