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
_tokens = attrgetter(*(name for name in SUMMED if name.endswith("_tokens")))
NO_TOKENS = (0,) * 9
"""The sum, and each kind."""
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
        day = day_of(record.unix)
        table.setdefault((day, record.key, record.model, record.provider), []).append(_amounts(record))
        if was_unknown:
            table.setdefault((day, record.key, "", ""), []).append(KNOWN_NOW)
    return [(*key, *map(sum, zip(*rows, strict=True))) for key, rows in sorted(table.items())]


def row_of(entry: Entry) -> Row:
    """The values in the order of the columns."""
    return astuple(entry)


def day_of(unix: float) -> str:
    return _day(int(unix // 86400))


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86400, UTC).strftime("%Y-%m-%d")


def _amounts(record: Record) -> Row:
    if record.outcome == "unknown":
        return (1, 1, 1, *NO_TOKENS, 0, record.cost_nano_usd)
    tokens = _tokens(record)
    failed = 1 if record.status >= 400 else 0
    return (1, failed, 0, sum(tokens), *tokens, record.estimate_nano_usd, record.cost_nano_usd)
