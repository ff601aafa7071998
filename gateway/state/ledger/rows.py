"""Entries sorted for a database: which rows to write, and what they add to the daily sums."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from gateway.state.ledger.record import Admitted, AuditRow, Bodies, Entry, Record

REQUEST_COLUMNS: tuple[str, ...] = Record.__struct_fields__
ADMISSION_COLUMNS: tuple[str, ...] = Admitted.__struct_fields__
AUDIT_COLUMNS = ("id", "unix", "who", "what", "subject", "place", "before", "after")
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
SUMMED = ("requests", "errors", "unknown", "tokens", *AMOUNTS)
OWN_COLUMNS = ("id", "unix", *AMOUNTS, "latency_ms", "first_token_ms")
"""In which the requests of a moment differ."""
ALIKE_COLUMNS = tuple(name for name in REQUEST_COLUMNS if name not in OWN_COLUMNS)
"""In which most of them are the same."""
USAGE_KEY = ("day", "key", "model", "provider")
DAY_S = 86400

Row = tuple[Any, ...]
Alike = dict[Row, list[Row]]
"""Requests by what they share: the values of ALIKE_COLUMNS, and those of OWN_COLUMNS for each of them."""

_own = attrgetter(*OWN_COLUMNS)
_alike = attrgetter(*ALIKE_COLUMNS)
_summed_by = itemgetter(*(ALIKE_COLUMNS.index(name) for name in ("key", "model", "provider", "outcome", "status")))
_FIRST_AMOUNT = OWN_COLUMNS.index(AMOUNTS[0])
_LAST_AMOUNT = OWN_COLUMNS.index(AMOUNTS[-1])
_TOKENS = len(AMOUNTS) - 2
_NOTHING = (0,) * (1 + _TOKENS + 1)
_KNOWN_NOW = (-1, -1, -1, *_NOTHING, 0)
"""In the order of SUMMED."""


class Batch(Struct, frozen=True):
    """What one transaction writes."""

    records: list[Record]
    """One for each id."""
    admissions: dict[str, Admitted]
    """Those without a record in the same batch."""
    ended: list[str]
    """Of admissions that an earlier batch may have brought."""
    audit: list[AuditRow]
    bodies: list[Bodies]


def batch_of(entries: Iterable[Entry]) -> Batch:
    sorted_out: dict[type, list[Any]] = {Record: [], Admitted: [], AuditRow: [], Bodies: []}
    for entry in entries:
        sorted_out[type(entry)].append(entry)
    records, admitted, audit, bodies = sorted_out.values()
    admissions = {each.id: each for each in admitted}
    known = _best_known(records)
    ended = [each for each in known if admissions.pop(each, None) is None]
    return Batch(list(known.values()), admissions, ended, audit, bodies)


def _best_known(records: Sequence[Record]) -> dict[str, Record]:
    """Of several for one id the first that knows more than that it was lost."""
    known = {each.id: each for each in records}
    if len(known) < len(records):
        known = {each.id: each for each in reversed(records)}
        known |= {each.id: each for each in reversed(records) if each.outcome != "unknown"}
    return known


def news(records: list[Record], known: Mapping[str, str]) -> tuple[list[Record], list[Record]]:
    """Records that the database does not have yet, or has as `unknown` only; and, of them, the latter.

    `known` is outcome by id.
    """
    if not known:
        return records, []
    risen = [each for each in records if known.get(each.id) == "unknown" != each.outcome]
    return [each for each in records if each.id not in known] + risen, risen


def alike(records: Iterable[Record]) -> Alike:
    groups: Alike = {}
    for record in records:
        shared = _alike(record)
        rows = groups.get(shared)
        if rows is None:
            rows = groups[shared] = []
        rows.append(_own(record))
    return groups


def sums(groups: Alike, risen: Iterable[Record] = ()) -> list[Row]:
    """What to add to the daily sums: the key of each row, then SUMMED. An `unknown` that became known moves over."""
    table: dict[Row, list[Row]] = {}
    for shared, rows in groups.items():
        key, model, provider, outcome, status = _summed_by(shared)
        for day, columns in _by_day(rows):
            amounts = _amounts(outcome, status, len(columns[0]), columns[_FIRST_AMOUNT : _LAST_AMOUNT + 1])
            table.setdefault((day, key, model, provider), []).append(amounts)
    for record in risen:
        table.setdefault((record.unix // DAY_S, record.key, "", ""), []).append(_KNOWN_NOW)
    return [(_day(int(day)), *who, *map(sum, zip(*rows, strict=True))) for (day, *who), rows in sorted(table.items())]


def row_of(entry: Entry) -> Row:
    """The values in the order of the columns."""
    return astuple(entry)


def day_of(unix: float) -> str:
    return _day(int(unix // DAY_S))


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_S, UTC).strftime("%Y-%m-%d")


def _by_day(rows: list[Row]) -> Iterator[tuple[float, list[Row]]]:
    """As columns. Nearly always there is one day only."""
    days = {row[1] // DAY_S for row in rows}
    for day in days:
        some = rows if len(days) == 1 else [row for row in rows if row[1] // DAY_S == day]
        yield day, list(zip(*some, strict=True))


def _amounts(outcome: str, status: int, count: int, columns: list[Row]) -> Row:
    """In the order of SUMMED. Of what was lost nobody knows an amount, and an estimate is none."""
    if outcome == "unknown":
        return (count, count, count, *_NOTHING, sum(columns[-1]))
    amounts = [sum(column) for column in columns]
    return (count, count if status >= 400 else 0, 0, sum(amounts[:_TOKENS]), *amounts)
