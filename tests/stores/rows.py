"""Ledger rows for tests: say only what matters."""

from pathlib import Path
from typing import Any

from gateway.state.ledger.cursor import Memory, read_piece
from gateway.state.ledger.record import Admitted, AuditRow, Entry, Record
from gateway.state.ledger.segment import Position
from gateway.state.ledger.short import (
    COMMON_COLUMNS,
    NOTHING_RARE,
    OWN_COLUMNS,
    PLAIN_COLUMNS,
    RARE_COLUMNS,
    entries_of,
)
from gateway.ulid import ulid_of

UNIX = 1_798_700_000.0  # 2026-12-31


def an_id(number: int, unix: float = UNIX) -> str:
    return ulid_of(int(unix * 1000), number)


def a_record(number: int = 1, **more: Any) -> Record:
    unix = more.get("unix", UNIX)
    given: dict[str, Any] = {
        "id": an_id(number, unix),
        "unix": unix,
        "key": "web-app",
        "endpoint": "chat",
        "asked": "smart",
        "model": "gpt-4o",
        "provider": "openai",
        "served": "openai/gpt-4o-2024-08-06",
        "reason": "routed-weight-8",
        "attempts": 1,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_nano_usd": 1_000,
        "estimate_nano_usd": 2_000,
        "latency_ms": 12.5,
        "config": "abcdef012345",
    }
    return Record(**(given | more))


def an_admission(number: int = 1, **more: Any) -> Admitted:
    unix = more.get("unix", UNIX)
    given: dict[str, Any] = {
        "id": an_id(number, unix),
        "unix": unix,
        "expires_unix": unix + 60,
        "origin": "journal-a",
        "key": "web-app",
        "endpoint": "chat",
        "asked": "smart",
        "config": "abcdef012345",
        "estimate_nano_usd": 2_000,
    }
    return Admitted(**(given | more))


def an_audit_row(number: int = 1, **more: Any) -> AuditRow:
    given: dict[str, Any] = {
        "id": an_id(number),
        "unix": UNIX,
        "who": "admin-token",
        "what": "provider.disable",
        "subject": "openai",
        "where": "127.0.0.1",
        "before": "null",
        "after": '{"since":1}',
    }
    return AuditRow(**(given | more))


def own_of(record: Record) -> tuple[Any, ...]:
    """What a record says for itself, as a journal is told it: plain where that says all."""
    plain = all(getattr(record, name) == value for name, value in zip(RARE_COLUMNS, NOTHING_RARE, strict=True))
    return tuple(getattr(record, name) for name in (PLAIN_COLUMNS if plain else OWN_COLUMNS))


def common_of(record: Record) -> tuple[Any, ...]:
    """What it has in common with others."""
    return tuple(getattr(record, name) for name in COMMON_COLUMNS)


def journaled(folder: Path, piece_bytes: int = 1000) -> tuple[list[Entry], int]:
    """Every row of a journal, told whole, and how many lines are spoilt."""
    position, memory = Position(0, 0), Memory(folder)
    entries: list[Entry] = []
    spoilt = 0
    while True:
        piece = read_piece(folder, position, piece_bytes)
        here = piece.position.segment
        commons = memory.before(position if here == position.segment else Position(here, 0))
        entries += entries_of(piece.lines, commons)
        spoilt += piece.spoilt
        if piece.position == position:
            return entries, spoilt
        position = piece.position
