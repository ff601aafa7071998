"""How forms and values are called in messages, and what stands in for a value that did not fit."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from gateway.config.forms import Chart, Choice, Either, Flag, Form, Number, Record, Series, Text
from gateway.config.shape.words import Word
from gateway.config.tree import Node

_RECORDS = {
    "PlainAlias": "a map with `model`",
    "SplitAlias": "a map with `split`",
    "TierAlias": "a map with `tier`",
}


def say(form: Form) -> str:
    """Completes "expected …"."""
    match form:
        case Flag():
            return "`true` or `false`"
        case Number():
            return _number(form)
        case Choice():
            return _choice(form)
        case Text():
            return form.word.expected
        case Series():
            return "a list"
        case Chart():
            return "a map by name"
        case Record():
            return _RECORDS.get(form.name, "a map")
        case Either():
            return ", or ".join(say(option) for option in form.options)


def _choice(form: Choice) -> str:
    values = [f"`{value}`" for value in form.values]
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + " or " + values[-1]


def _number(form: Number) -> str:
    noun = "a whole number" if form.whole else "a number"
    if form.gt is not None and form.le is not None:
        return f"{noun} above {form.gt:,g} and at most {form.le:,.10g}"
    if form.gt is not None:
        return f"{noun} above {form.gt:,g}"
    if form.ge is not None and form.le is not None:
        return f"{noun} from {form.ge:,.10g} to {form.le:,.20g}"
    return f"{noun} of at least {form.ge:,g}" if form.ge is not None else noun


def kind(node: Node, *, secret: bool = False) -> str:
    """Completes "found …"."""
    value = node.value
    if isinstance(value, dict):
        return "a map" if value else "an empty map"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if secret:
        return "something else"
    if isinstance(value, str):
        return f"the text `{short(value)}`" if value else "an empty text"
    if isinstance(value, bool):
        return f"the flag `{str(value).lower()}`"
    return "nothing" if value is None else f"the number {value}"


def short(text: str) -> str:
    """At most forty characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"


def is_secret(form: Form) -> bool:
    if isinstance(form, Either):
        return any(is_secret(option) for option in form.options)
    return isinstance(form, Text) and form.word.secret


def stand_in(form: Form) -> Any:
    """Something that fits the form and says nothing, so that the rest can still be looked at."""
    match form:
        case Flag():
            return False
        case Number():
            return (1 if form.whole else 1.0) if form.gt is not None else (int if form.whole else float)(form.ge or 0)
        case Choice():
            return form.values[0]
        case Text():
            return ""
        case Series():
            return [stand_in(form.item) for _ in range(form.min_length)]
        case Chart():
            return {}
        case Record():
            start: dict[str, Any] = {"kind": form.tag} if form.tag else {}
            return start | {name: stand_in(form.fields[name].form) for name in form.required}
        case Either():
            return stand_in(form.options[0])


def begins(form: Form, node: Node) -> bool:
    """Whether a value looks as if it was meant to have this form."""
    value = node.value
    match form:
        case Text():
            return isinstance(value, str | int | float)
        case Choice():
            return isinstance(value, str)
        case Series():
            return isinstance(value, list)
        case Record():
            return isinstance(value, dict) and any(name in value for name in form.required)
    return False


@cache
def matcher(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


def fits(word: Word, text: str) -> bool:
    return word.pattern is None or (matcher(word.pattern)(text) is not None and "${" not in text)
