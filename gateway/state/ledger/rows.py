"""Entries sorted for a database: which rows to write, and what they add to the daily sums."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
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
USAGE_KEY = ("day", "key", "model", "provider")

Row = tuple[Any, ...]


class Batch(Struct, frozen=True):
    """What one transaction writes."""

    records: dict[str, Record]
    """By id; of several for one id the one that knows more."""
    admissions: dict[str, Admitted]
    """Those without a record in the same batch."""
    audit: dict[str, AuditRow]
    bodies: dict[str, Bodies]


def batch_of(entries: Iterable[Entry]) -> Batch:
    batch = Batch({}, {}, {}, {})
    for entry in entries:
        if isinstance(entry, Record):
            known = batch.records.get(entry.id)
            if known is None or known.outcome == "unknown":
                batch.records[entry.id] = entry
            batch.admissions.pop(entry.id, None)
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
    table: dict[Row, list[int]] = {}
    for record, was_unknown in fresh:
        _add(table, (day_of(record.unix), record.key, record.model, record.provider), _amounts(record))
        if was_unknown:
            _add(table, (day_of(record.unix), record.key, "", ""), [-1, -1, -1] + [0] * (len(SUMMED) - 3))
    return [(*key, *amounts) for key, amounts in sorted(table.items())]


def row_of(entry: Entry) -> Row:
    """The values in the order of the columns."""
    return astuple(entry)


def day_of(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d")


def _amounts(record: Record) -> list[int]:
    unknown = record.outcome == "unknown"
    return [
        1,
        int(unknown or record.status >= 400),
        int(unknown),
        record.tokens,
        record.input_tokens,
        record.cache_read_tokens,
        record.cache_write_tokens,
        record.output_tokens,
        record.reasoning_tokens,
        record.audio_input_tokens,
        record.audio_output_tokens,
        record.image_tokens,
        0 if unknown else record.estimate_nano_usd,
        record.cost_nano_usd,
    ]


def _add(table: dict[Row, list[int]], key: Row, amounts: list[int]) -> None:
    row = table.get(key)
    if row is None:
        table[key] = amounts
        return
    for index, amount in enumerate(amounts):
        row[index] += amount
