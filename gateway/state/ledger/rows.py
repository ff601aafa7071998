"""Entries sorted for a database: which rows to write, and what they add to the daily sums."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from gateway.state.ledger.record import Admitted, AuditRow, Bodies, Entry, Record

REQUEST_COLUMNS: tuple[str, ...] = Record.__struct_fields__
ADMISSION_COLUMNS: tuple[str, ...] = Admitted.__struct_fields__
AUDIT_COLUMNS = ("id", "unix", "who", "what", "subject", "place", "before", "after")
SUMMED = (
    "requests",
    "errors",
    "unknown",
    "tokens",
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
DAY_S = 86400
_tokens = attrgetter(*(name for name in SUMMED if name.endswith("_tokens")))
NO_TOKENS = (0,) * 8
KNOWN_NOW = (-1, -1, -1, *NO_TOKENS, 0, 0)
USAGE_KEY = ("day", "key", "model", "provider")

Row = tuple[Any, ...]


class Batch(Struct, frozen=True):
    """What one transaction writes."""

    records: dict[str, Record]
    """By id; of several for one id the one that knows more."""
    admissions: dict[str, Admitted]
    """Those without a record in the same batch."""
    ended: list[str]
    """Of admissions that an earlier batch may have brought."""
    audit: dict[str, AuditRow]
    bodies: dict[str, Bodies]


def batch_of(entries: Iterable[Entry]) -> Batch:
    batch = Batch({}, {}, [], {}, {})
    for entry in entries:
        if isinstance(entry, Record):
            known = batch.records.get(entry.id)
            if known is None or known.outcome == "unknown":
                batch.records[entry.id] = entry
            if batch.admissions.pop(entry.id, None) is None:
                batch.ended.append(entry.id)
        elif isinstance(entry, Admitted):
            if entry.id not in batch.records:
                batch.admissions[entry.id] = entry
        elif isinstance(entry, AuditRow):
            batch.audit[entry.id] = entry
        else:
            batch.bodies[entry.id] = entry
    return batch


def news(records: Iterable[Record], known: Mapping[str, str]) -> list[tuple[Record, bool]]:
    """Records the database does not have yet, or has as `unknown` only (then True); `known` is outcome by id."""
    return [
        (record, record.id in known)
        for record in records
        if record.id not in known or (known[record.id] == "unknown" and record.outcome != "unknown")
    ]


def sums(fresh: Iterable[tuple[Record, bool]]) -> list[Row]:
    """What to add to the daily sums: the key of each row, then SUMMED. An `unknown` that became known moves over."""
    table: dict[Row, list[Row]] = {}
    for record, was_unknown in fresh:
        day = record.unix // DAY_S
        key = (day, record.key, record.model, record.provider)
        rows = table.get(key)
        if rows is None:
            rows = table[key] = []
        rows.append(_amounts(record))
        if was_unknown:
            table.setdefault((day, record.key, "", ""), []).append(KNOWN_NOW)
    return [_sum(key, rows) for key, rows in sorted(table.items())]


def row_of(entry: Entry) -> Row:
    """The values in the order of the columns."""
    return astuple(entry)


def day_of(unix: float) -> str:
    return _day(int(unix // DAY_S))


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_S, UTC).strftime("%Y-%m-%d")


def _amounts(record: Record) -> Row:
    """In the order of SUMMED, without the sum of all tokens."""
    if record.outcome == "unknown":
        return (1, 1, 1, *NO_TOKENS, 0, record.cost_nano_usd)
    failed = 1 if record.status >= 400 else 0
    return (1, failed, 0, *_tokens(record), record.estimate_nano_usd, record.cost_nano_usd)


def _sum(key: Row, rows: list[Row]) -> Row:
    requests, errors, unknown, *rest = map(sum, zip(*rows, strict=True))
    day, *who = key
    return (_day(int(day)), *who, requests, errors, unknown, sum(rest[: len(NO_TOKENS)]), *rest)
