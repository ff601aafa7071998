"""Hold a tree against the language: every fault reported at its place, every good part kept."""

import math
from typing import Any

from gateway.config.findings import Findings
from gateway.config.forms import Chart, Choice, Either, Flag, Form, Number, Record, Series, Text
from gateway.config.hints import (
    MEASURES,
    known_here,
    list_hint,
    looks_like_litellm,
    number_hint,
    reference_hint,
    unit_hint,
)
from gateway.config.problem import nearest, nearest_name
from gateway.config.say import begins, fits, is_secret, kind, matcher, say, short, stand_in
from gateway.config.shape.words import Word
from gateway.config.tree import BROKEN, Node, Path

NONE_FITS = object()
"""A value that was reported and is left out."""

Used = list[tuple[Node, Path, Word]]
"""Where references stand."""


class ShapeCheck:
    """Walks a tree and its form side by side, and gives back plain values that fit the form."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.references: Used = []
        self._listed: dict[tuple[Path, str], str] = {}

    def plain(self, form: Form, node: Node, path: Path) -> Any:
        """The value for msgspec, or NONE_FITS."""
        if node.value is BROKEN:
            return self._drop(path)
        if node.value is None:
            return self._blank(form, node, path)
        return _CHECKS[type(form)](self, form, node, path)

    def record(self, form: Record, node: Node, path: Path) -> Any:
        entries = node.value
        if type(entries) is not dict:
            return self._wrong(form, node, path)
        found: dict[str, Any] = {"kind": form.tag} if form.tag else {}
        fields = form.fields
        for name, child in entries.items():
            field = fields.get(name)
            if field is None:
                self._unknown(form, entries, name, path)
            elif child.value is None and field.nullable:
                found[name] = None
            else:
                value = self.plain(field.form, child, (*path, name))
                if value is not NONE_FITS:
                    found[name] = value
        for name in form.required:
            if name not in found:
                if name not in entries:
                    self._missing(form, entries, name, node, path)
                found[name] = stand_in(fields[name].form)
        return found

    def chart(self, form: Chart, node: Node, path: Path) -> Any:
        if type(node.value) is not dict:
            return self._wrong(form, node, path)
        found = {}
        for name, child in node.value.items():
            here = (*path, name)
            if not fits(form.key, name):
                message = f"`{name[:60]}` is not {form.key.expected}"
                self.findings.add("TH1406", child.key, message, reference_hint(name), path=here)
            value = self.plain(form.value, child, here)
            if value is not NONE_FITS:
                found[name] = value
            elif isinstance(form.value, Record):
                found[name] = stand_in(form.value)
        return found

    def series(self, form: Series, node: Node, path: Path) -> Any:
        items = node.value
        if type(items) is not list:
            return self._wrong(form, node, path, list_hint(node))
        if not form.min_length <= len(items) <= (form.max_length or 1_000_000):
            self._length(form, node, path)
            items = items[: form.max_length]
        found = [self.plain(form.item, item, (*path, index)) for index, item in enumerate(items)]
        if isinstance(form.item, Choice):
            self._repeated(items, path)
        found = [stand_in(form.item) if value is NONE_FITS else value for value in found]
        return found + [stand_in(form.item) for _ in range(form.min_length - len(found))]

    def number(self, form: Number, node: Node, path: Path) -> Any:
        value = node.value
        if type(value) is int or (type(value) is float and not form.whole):
            if not math.isfinite(value):
                self.findings.add("TH1411", node.spot, f"expected {say(form)}, found `{value}`", path=path)
            elif _in_range(form, value):
                return value
            else:
                self.findings.add("TH1405", node.spot, f"expected {say(form)}, found {value:g}", path=path)
            return NONE_FITS
        return self._wrong(form, node, path, number_hint(value))

    def flag(self, form: Flag, node: Node, path: Path) -> Any:
        if type(node.value) is bool:
            return node.value
        hint = None
        if isinstance(node.value, str):
            word = node.value.lower()
            hint = "write `true`" if word in {"yes", "on", "y", "true"} else None
            hint = "write `false`" if word in {"no", "off", "n", "false"} else hint
        return self._wrong(form, node, path, hint)

    def choice(self, form: Choice, node: Node, path: Path) -> Any:
        value = node.value
        if type(value) in (str, int) and value in form.values:
            return value
        if type(value) not in (str, int, float, bool):
            return self._wrong(form, node, path)
        hint = nearest(str(value), [str(choice) for choice in form.values])
        shown = f"`{short(str(value))}`" if isinstance(value, str) else kind(node)
        self.findings.add("TH1404", node.spot, f"expected {say(form)}, found {shown}", hint, path=path)
        return NONE_FITS

    def text(self, form: Text, node: Node, path: Path) -> Any:
        value, word = node.value, form.word
        if type(value) is not str:
            return self._not_text(word, node, path)
        if "${" in value:
            return self._with_reference(word, node, path)
        if not word.pattern:
            return value if value else self._empty(word, node, path)
        if matcher(word.pattern)(value):
            return value
        return self._malformed(word, node, path)

    def either(self, form: Either, node: Node, path: Path) -> Any:
        if isinstance(node.value, dict) and any(child.value is BROKEN for child in node.value.values()):
            return self._drop(path)
        fitting = [option for option in form.options if begins(option, node)]
        if len(fitting) == 1:
            return self.plain(fitting[0], node, path)
        if isinstance(node.value, dict) and len(fitting) > 1:
            names = " and ".join(f"`{option.required[0]}`" for option in fitting if isinstance(option, Record))
            message = f"{names} exclude each other"
            self.findings.add("TH1410", node.key or node.spot, message, "keep one of them", path=path)
        else:
            expected = ", or ".join(say(option) for option in form.options)
            message = f"expected {expected}; found {kind(node)}"
            hint = self._either_hint(form, node)
            self.findings.add(
                "TH1410", node.key if isinstance(node.value, dict) else node.spot, message, hint, path=path
            )
        return NONE_FITS

    def _either_hint(self, form: Either, node: Node) -> str | None:
        telling = [option.required[0] for option in form.options if isinstance(option, Record)]
        if not isinstance(node.value, dict) or not telling:
            return None
        close = next((found for name in node.value if (found := nearest_name(name, telling))), None)
        return f"did you mean `{close}`?" if close else None

    def _drop(self, path: Path) -> Any:
        self.findings.mark(path)
        return NONE_FITS

    def _blank(self, form: Form, node: Node, path: Path) -> Any:
        if self.findings.is_full:
            return self._drop(path)
        name = f"`{path[-1]}` has no value" if path and isinstance(path[-1], str) else "an empty item"
        spot = node.key or node.spot
        self.findings.add("TH1408", spot, f"{name}; expected {say(form)}", "remove it, or give it a value", path=path)
        return NONE_FITS

    def _wrong(self, form: Form, node: Node, path: Path, hint: str | None = None) -> Any:
        spot = node.key if isinstance(node.value, dict | list) and node.key else node.spot
        self.findings.add(
            "TH1403", spot, f"expected {say(form)}, found {kind(node, secret=is_secret(form))}", hint, path=path
        )
        return NONE_FITS

    def _unknown(self, form: Record, entries: dict[str, Node], name: str, path: Path) -> None:
        if self.findings.is_full:
            self.findings.mark((*path, name))
            return
        meant = nearest_name(name, form.fields)
        hint: str | None = f"did you mean `{meant}`?"
        if not path and looks_like_litellm(name, entries):
            hint = self._of_litellm(entries[name])
        elif meant is None:
            first = self._listed.setdefault((path, form.name), name)
            hint = known_here(form) if first == name else f"known here is what is listed for `{first}`"
        elif meant in entries:
            hint = f"`{meant}` is set here, too; keep that one"
        else:
            self.findings.mark((*path, meant))
        where = f"in `{path[-1]}`" if path and isinstance(path[-1], str) else "here" if path else "at the top level"
        self.findings.add("TH1401", entries[name].key, f"unknown key `{name[:60]}` {where}", hint, path=(*path, name))

    def _of_litellm(self, node: Node) -> str | None:
        """Said once; what else is missing here is of no interest."""
        known, self.findings.partial = self.findings.partial, True
        if known:
            return None
        return f"this looks like a configuration of LiteLLM: `tokenhub import litellm {node.source.name}` translates it"

    def _missing(self, form: Record, entries: dict[str, Node], name: str, node: Node, path: Path) -> None:
        slip = any(other not in form.fields and nearest_name(other, [name]) for other in entries)
        self.findings.mark((*path, name))
        if not slip:
            message = f"`{name}` is missing; expected {say(form.fields[name].form)}"
            self.findings.add("TH1402", node.key or node.spot, message, path=(*path, name))

    def _length(self, form: Series, node: Node, path: Path) -> None:
        most = f"at most {form.max_length}" if form.max_length else ""
        bounds = f"at least {form.min_length}" if len(node.value) < form.min_length else most
        items = "item" if bounds.endswith(" 1") else "items"
        message = f"expected {bounds} {items}, found {len(node.value)}"
        self.findings.add("TH1409", node.key or node.spot, message, path=path)

    def _repeated(self, items: list[Node], path: Path) -> None:
        seen: set[Any] = set()
        for index, item in enumerate(items):
            if isinstance(item.value, str) and item.value in seen:
                message = f"`{item.value}` is listed twice"
                self.findings.add("TH1412", item.spot, message, "remove one of the two", path=(*path, index))
            elif isinstance(item.value, str):
                seen.add(item.value)

    def _not_text(self, word: Word, node: Node, path: Path) -> Any:
        if isinstance(node.value, dict | list):
            return self._wrong(Text(word), node, path)
        raw = node.source.line(node.line)[node.column - 1 : node.column - 1 + node.length]
        found = "" if word.secret else f", and `{raw}` is read as {kind(node)}"
        hint = "quote it" if word.secret else unit_hint(word, raw) or f'quote it: `"{raw}"`'
        message = f"expected {word.expected}{found}"
        self.findings.add("TH1407", node.spot, message, hint, path=path, hide=word.secret)
        return NONE_FITS

    def _empty(self, word: Word, node: Node, path: Path) -> Any:
        message = f"expected {word.expected}, found an empty text"
        self.findings.add("TH1408", node.spot, message, "remove the key, or give it a value", path=path)
        return NONE_FITS

    def _with_reference(self, word: Word, node: Node, path: Path) -> Any:
        if word.references:
            self.references.append((node, path, word))
            return node.value
        message = f"a reference cannot stand here; expected {word.expected}"
        self.findings.add("TH1302", node.spot, message, "write the value itself", path=path)
        return NONE_FITS

    def _malformed(self, word: Word, node: Node, path: Path) -> Any:
        shown = "something else" if word.secret else f"`{short(node.value)}`" if node.value else "an empty text"
        hint = MEASURES.get(word.name)
        message = f"expected {word.expected}, found {shown}"
        self.findings.add("TH1406", node.spot, message, hint, path=path, hide=word.secret)
        return NONE_FITS


_CHECKS: dict[Any, Any] = {
    Record: ShapeCheck.record,
    Chart: ShapeCheck.chart,
    Series: ShapeCheck.series,
    Number: ShapeCheck.number,
    Flag: ShapeCheck.flag,
    Choice: ShapeCheck.choice,
    Text: ShapeCheck.text,
    Either: ShapeCheck.either,
}


def _in_range(form: Number, value: float) -> bool:
    return not (
        (form.ge is not None and value < form.ge)
        or (form.gt is not None and value <= form.gt)
        or (form.le is not None and value > form.le)
    )
