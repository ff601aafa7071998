"""Short rows: what many records have in common is written once in a segment, and each of them refers to it.

From one request to the next hardly more changes than an id, a moment and a few numbers. To spell out the rest each
time is paid for twice: where the row is written, and where every name in it becomes an object again. The same goes for
tokens of a sort that a request did not use: a plain row leaves them out.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from gateway.state.ledger.record import Entry, Outcome, Record, plain

Values = tuple[Any, ...]

REQUEST_COLUMNS: tuple[str, ...] = Record.__struct_fields__
AMOUNTS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_tokens",
    "estimate_nano_usd",
    "cost_nano_usd",
)
OWN_COLUMNS = ("id", "unix", *AMOUNTS, "latency_ms", "first_token_ms", "meta")
COMMON_COLUMNS = tuple(name for name in REQUEST_COLUMNS if name not in OWN_COLUMNS)
PLAIN_COLUMNS = (
    "id",
    "unix",
    "input_tokens",
    "output_tokens",
    "estimate_nano_usd",
    "cost_nano_usd",
    "latency_ms",
    "first_token_ms",
)
"""What a row is left with that says nothing in the others of its own."""
PLAIN_WIDTH = len(PLAIN_COLUMNS)
"""By this many values a plain row is known."""
RARE_COLUMNS = tuple(name for name in OWN_COLUMNS if name not in PLAIN_COLUMNS)
NOTHING_RARE: Values = tuple(None if name == "meta" else 0 for name in RARE_COLUMNS)

SHORT = "s"
PLAIN = "p"
COMMON = "c"

_Plain = tuple[str, float, int, int, int, int, float, float | None]
_Own = tuple[str, float, int, int, int, int, int, int, int, int, int, int, float, float | None, str | None]
_Common = tuple[str, str, str, str, str, str, str, int, Outcome, int, str, bool, bool, bool, str]


class Short(Struct, frozen=True, array_like=True, tag=SHORT, gc=False):
    """A Record without what it has in common with others."""

    number: int
    """Of the Common that says the rest."""
    own: _Own


class Plain(Struct, frozen=True, array_like=True, tag=PLAIN, gc=False):
    """The same of a Record that says nothing in its RARE_COLUMNS."""

    number: int
    own: _Plain


class Common(Struct, frozen=True, array_like=True, tag=COMMON):
    """What all rows of this segment have in common that say this number."""

    number: int
    values: _Common


Line = Entry | Short | Plain | Common
"""Whatever stands in a line of a journal."""
Commons = dict[int, Values]
"""What is known of one segment, by number."""


def full(own: Values) -> Values:
    """In the order of OWN_COLUMNS."""
    if len(own) > PLAIN_WIDTH:
        return own
    said = dict(zip((*PLAIN_COLUMNS, *RARE_COLUMNS), (*own, *NOTHING_RARE), strict=True))
    return tuple(said[name] for name in OWN_COLUMNS)


def whole(own: Values, common: Values) -> Record:
    return Record(**dict(zip((*OWN_COLUMNS, *COMMON_COLUMNS), (*full(own), *bounded(common)), strict=True)))


def bounded(common: Values) -> Values:
    """What callers and providers said, as every database takes it; all other words are our own."""
    key, endpoint, asked, model, provider, served, *rest = common
    return (key, endpoint, plain(asked), model, provider, plain(served), *rest)


def entries_of(lines: Iterable[Line], commons: Commons) -> Iterator[Entry]:
    """Every row whole, as far as the lines before it say what it has in common with others."""
    for line in lines:
        if isinstance(line, Common):
            commons[line.number] = line.values
        elif not isinstance(line, Short | Plain):
            yield line
        elif line.number in commons:
            yield whole(line.own, commons[line.number])
