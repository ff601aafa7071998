"""The kinds of text a file may hold: what each must look like, and how to say so to a person."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Struct

Names = Literal["provider", "model", "name", "target", "mode", "key", "dialect"]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every part of the language: frozen, closed, and silent about what was left at its default."""


class Word(Struct, frozen=True, kw_only=True):
    """One kind of text."""

    name: str
    expected: str
    """Completes the sentence "expected …"."""
    pattern: str | None = None
    references: bool = False
    """May hold `${env:NAME}` and `${file:/path}`."""
    secret: bool = False
    """Never shown in any message."""
    refers: Names | None = None
    """Names something declared elsewhere."""


NAME = r"[^\s,{}\x00-\x1f\x7f]{1,200}"

_WORDS = (
    Word(name="text", expected="text", references=True),
    Word(name="secret", expected="a reference such as `${env:NAME}`", references=True, secret=True),
    Word(name="plain", expected="text of at most 500 characters", pattern=r"[^\x00-\x08\x0b-\x1f\x7f]{1,500}"),
    Word(name="path", expected="a file name, with or without `*`", pattern=r"[^\x00-\x1f\x7f]{1,1000}"),
    Word(
        name="label",
        expected="a name of at most 64 letters, digits, `.`, `_` and `-`",
        pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    ),
    Word(name="name", expected="a name without blanks, commas and braces, at most 200 characters", pattern=NAME),
    Word(name="key", expected="a name without blanks, commas and braces, at most 200 characters", pattern=NAME),
    Word(name="dialect", expected="the name of a dialect", pattern=NAME, refers="dialect"),
    Word(name="header", expected="the name of an HTTP header", pattern=r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"),
    Word(name="to-provider", expected="the name of a provider", pattern=NAME, refers="provider"),
    Word(name="to-model", expected="the name of a model", pattern=NAME, refers="model"),
    Word(name="to-name", expected="the name of a model or alias", pattern=NAME, refers="name"),
    Word(name="to-target", expected="the name of a model, an alias or `provider/model`", pattern=NAME, refers="target"),
    Word(name="to-mode", expected="the name of a mode", pattern=NAME, refers="mode"),
    Word(name="to-key", expected="the name of a key", pattern=NAME, refers="key"),
    Word(
        name="duration",
        expected="a duration such as `250ms`, `30s`, `10m`, `6h` or `90d`",
        pattern=r"[0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d)",
    ),
    Word(
        name="sync",
        expected="a duration such as `50ms`, or `always`",
        pattern=r"always|[0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d)",
    ),
    Word(
        name="size",
        expected="a size such as `512KiB` or `10MiB`",
        pattern=r"[0-9]{1,9}(\.[0-9]{1,6})?(B|KB|KiB|MB|MiB|GB|GiB)",
    ),
    Word(name="date", expected="a date such as `2027-06-30`", pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    Word(
        name="instant",
        expected="a time such as `2027-06-30T12:00:00Z`",
        pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    ),
    Word(
        name="digest",
        expected="`sha256:` and 64 lower-case hex digits, as `tokenhub keys new` prints them",
        pattern=r"sha256:[0-9a-f]{64}",
        secret=True,
    ),
)
WORDS: Mapping[str, Word] = MappingProxyType({word.name: word for word in _WORDS})

Text = Annotated[str, WORDS["text"]]
SecretText = Annotated[str, WORDS["secret"]]
Plain = Annotated[str, WORDS["plain"]]
FilePattern = Annotated[str, WORDS["path"]]
Label = Annotated[str, WORDS["label"]]
Name = Annotated[str, WORDS["name"]]
KeyName = Annotated[str, WORDS["key"]]
DialectName = Annotated[str, WORDS["dialect"]]
HeaderName = Annotated[str, WORDS["header"]]
ToProvider = Annotated[str, WORDS["to-provider"]]
ToModel = Annotated[str, WORDS["to-model"]]
ToName = Annotated[str, WORDS["to-name"]]
ToTarget = Annotated[str, WORDS["to-target"]]
ToMode = Annotated[str, WORDS["to-mode"]]
ToKey = Annotated[str, WORDS["to-key"]]
Duration = Annotated[str, WORDS["duration"]]
Sync = Annotated[str, WORDS["sync"]]
Size = Annotated[str, WORDS["size"]]
Date = Annotated[str, WORDS["date"]]
Instant = Annotated[str, WORDS["instant"]]
Digest = Annotated[str, WORDS["digest"]]

_SECONDS = MappingProxyType({"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0})
_BYTES = MappingProxyType(
    {"B": 1, "KB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3}
)
_MEASURE = re.compile(r"([0-9.]+)([A-Za-z]+)")


def seconds(duration: str) -> float:
    """`250ms` is 0.25."""
    number, unit = _parts(duration)
    return float(number) / 1000 if unit == "ms" else float(number) * _SECONDS[unit]


def size_in_bytes(size: str) -> int:
    """`10MiB` is 10485760."""
    number, unit = _parts(size)
    return int(float(number) * _BYTES[unit])


def midnight(date: str) -> float:
    """The first second of a day (UTC), as Unix time."""
    return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()


def _parts(measure: str) -> tuple[str, str]:
    match = _MEASURE.fullmatch(measure)
    if match is None:
        raise ValueError(measure)
    return match[1], match[2]
