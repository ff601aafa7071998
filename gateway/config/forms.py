"""The language as data: each struct of `shape` becomes a form that can be checked, printed and explained."""

import types
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from gateway.config.shape.words import Word


class Flag(Struct, frozen=True):
    """True or false."""


class Number(Struct, frozen=True, kw_only=True):
    whole: bool
    ge: float | None = None
    gt: float | None = None
    le: float | None = None


class Choice(Struct, frozen=True):
    values: tuple[str | int, ...]


class Text(Struct, frozen=True):
    word: Word


class Series(Struct, frozen=True, kw_only=True):
    item: "Form"
    min_length: int = 0
    max_length: int | None = None


class Chart(Struct, frozen=True):
    """A map by name."""

    key: Word
    value: "Form"


class Field(Struct, frozen=True, kw_only=True):
    name: str
    form: "Form"
    nullable: bool
    default: Any
    """NODEFAULT where the file must say it."""

    @property
    def required(self) -> bool:
        return self.default is NODEFAULT


class Record(Struct, frozen=True, kw_only=True):
    """A map with known keys."""

    name: str
    fields: Mapping[str, Field]
    required: tuple[str, ...]
    tag: str | None
    struct: type[Struct]


class Either(Struct, frozen=True):
    """One of several forms, told apart by what stands there."""

    options: tuple["Form", ...]


Form: TypeAlias = Flag | Number | Choice | Text | Series | Chart | Record | Either


@cache
def form_of(struct: type[Struct]) -> Record:
    """The form of one section of the language."""
    hints = get_type_hints(struct, include_extras=True)
    fields = {
        field.name: Field(
            name=field.name,
            form=_form(hints[field.name]),
            nullable=_is_nullable(hints[field.name]),
            default=_default(field),
        )
        for field in msgspec.structs.fields(struct)
    }
    tag = struct.__struct_config__.tag
    return Record(
        name=struct.__name__,
        fields=MappingProxyType(fields),
        required=tuple(name for name, field in fields.items() if field.required),
        tag=tag if isinstance(tag, str) else None,
        struct=struct,
    )


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not NODEFAULT else field.default


def _is_nullable(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _form(hint: Any, notes: tuple[Any, ...] = ()) -> Form:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _form(inner[0], (*inner[1:], *notes))
    if origin in (Union, types.UnionType):
        options = tuple(_form(option, notes) for option in inner if option is not type(None))
        return options[0] if len(options) == 1 else Either(options)
    if origin is Literal:
        return Choice(inner)
    if origin is tuple:
        limits = _limits(notes)
        return Series(item=_form(inner[0]), min_length=limits.min_length or 0, max_length=limits.max_length)
    if origin is dict:
        return Chart(_word(get_args(inner[0])[1:]), _form(inner[1]))
    return _simple(hint, notes)


def _simple(hint: Any, notes: tuple[Any, ...]) -> Form:
    if hint is bool:
        return Flag()
    if hint in (int, float):
        limits = _limits(notes)
        return Number(whole=hint is int, ge=limits.ge, gt=limits.gt, le=limits.le)
    if hint is str:
        return Text(_word(notes))
    return form_of(hint)


def _limits(notes: tuple[Any, ...]) -> Meta:
    return next((note for note in notes if isinstance(note, Meta)), Meta())


def _word(notes: tuple[Any, ...]) -> Word:
    return next(note for note in notes if isinstance(note, Word))
