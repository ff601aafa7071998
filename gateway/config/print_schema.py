"""Print the JSON Schema of the language from its forms, so that editors and the loader cannot disagree.

A schema sees one file, and maps of several files are merged: what a file leaves out another may say. So nothing that
can be merged is demanded here; what is missing is found by the loader, when all is merged.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.config.compile_settings import LEARNING_MODE, MODES
from gateway.config.docs import about, about_fields, value_of
from gateway.config.forms import Chart, Choice, Either, Field, Flag, Form, Number, Record, Series, Text, form_of
from gateway.config.shape import Declaration
from gateway.config.shape.words import Word
from gateway.domain.dialect_facts import DIALECTS

Schema = dict[str, Any]


def print_schema(project: Declaration | None = None) -> str:
    """As text; with a project, its names become the only ones."""
    schema = _Printer(_names(project)).whole()
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _names(project: Declaration | None) -> Mapping[str, list[str]]:
    """What each kind of reference may say."""
    known = {"dialect": list(DIALECTS)}
    if project is None:
        return known
    models, names = sorted(project.models), sorted({*project.models, *project.aliases})
    offers = {f"{offer.provider}/{name}" for name, model in project.models.items() for offer in model.offers}
    return known | {
        "provider": sorted(project.providers),
        "model": models,
        "name": names,
        "target": names + sorted(offers),
        "mode": sorted({*MODES, LEARNING_MODE, *project.routing.modes}),
        "key": sorted(key.name for key in project.keys),
    }


class _Printer:
    """Collects the sections it meets as `$defs`."""

    def __init__(self, names: Mapping[str, list[str]]) -> None:
        self.names = names
        self.defs: dict[str, Schema] = {}
        self.merged = frozenset(_merged(form_of(Declaration)))

    def whole(self) -> Schema:
        root = self._body(form_of(Declaration))
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Configuration of tokenhub",
            **root,
            "$defs": dict(sorted(self.defs.items())),
        }

    def _body(self, form: Record) -> Schema:
        docs = about_fields(form.struct)
        body: Schema = {
            "description": about(form.struct),
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: self._field(field, docs[name].text, docs[name].examples) for name, field in form.fields.items()
            },
        }
        demanded = () if form.name in self.merged else form.required
        return body | ({"required": list(demanded)} if demanded else {})

    def _field(self, field: Field, text: str, examples: tuple[str, ...]) -> Schema:
        schema = self._of(field.form)
        if field.nullable:
            schema = _or_null(schema)
        described: Schema = {"description": text} if text else {}
        described |= schema
        if not field.required:
            described["default"] = _plain(field.default)
        if examples:
            described["examples"] = _examples(field.form, examples)
        return described

    def _of(self, form: Form) -> Schema:
        match form:
            case Flag():
                return {"type": "boolean"}
            case Number():
                return _number(form)
            case Choice():
                return {"enum": list(form.values)}
            case Text():
                return self._text(form.word)
            case Series():
                bounds = {"minItems": form.min_length} if form.min_length else {}
                bounds |= {"maxItems": form.max_length} if form.max_length else {}
                bounds |= {"uniqueItems": True} if isinstance(form.item, Choice) else {}
                return {"type": "array", "items": self._of(form.item), **bounds}
            case Chart():
                key = {"propertyNames": {"pattern": _anchored(form.key)}} if form.key.pattern else {}
                return {"type": "object", **key, "additionalProperties": self._of(form.value)}
            case Record():
                return self._section(form)
            case Either():
                return {"anyOf": [self._of(option) for option in form.options]}

    def _section(self, form: Record) -> Schema:
        if form.name not in self.defs:
            self.defs[form.name] = {}
            self.defs[form.name] = self._body(form)
        return {"$ref": f"#/$defs/{form.name}"}

    def _text(self, word: Word) -> Schema:
        if word.refers is not None and word.refers in self.names:
            return {"enum": self.names[word.refers]}
        if word.pattern:
            return {"type": "string", "pattern": _anchored(word)}
        return {"type": "string", "minLength": 1}


def _merged(form: Form) -> Iterator[str]:
    """Sections that stand in no list: a list is replaced as a whole, so what stands in one is whole."""
    match form:
        case Record():
            yield form.name
            for field in form.fields.values():
                yield from _merged(field.form)
        case Chart():
            yield from _merged(form.value)
        case Either():
            for option in form.options:
                yield from _merged(option)


def _anchored(word: Word) -> str:
    return f"^({word.pattern})$"


def _number(form: Number) -> Schema:
    bounds = {"minimum": form.ge, "exclusiveMinimum": form.gt, "maximum": form.le}
    kind = "integer" if form.whole else "number"
    return {"type": kind, **{name: bound for name, bound in bounds.items() if bound is not None}}


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    return {"anyOf": [schema, {"type": "null"}]}


def _plain(default: Any) -> Any:
    return msgspec.to_builtins(default)


def _examples(form: Form, examples: tuple[str, ...]) -> list[Any]:
    """A list is shown by one of its items, text stays text."""
    if isinstance(form, Series):
        return [[example] for example in examples]
    return [example if isinstance(form, Text) else value_of(example) for example in examples]
