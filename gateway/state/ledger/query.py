"""Questions to the ledger as SQL with bound values: nothing a caller writes becomes part of a statement."""

# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct

from gateway.state.ledger.rows import AUDIT_COLUMNS, SUMMED, day_of
from gateway.state.ledger.short import REQUEST_COLUMNS
from gateway.ulid import ulid_of

GroupBy = Literal["key", "model", "provider", "day"]
MOST_ROWS = 1000
Statement = tuple[str, tuple[Any, ...]]


class UsageQuery(Struct, frozen=True, kw_only=True):
    """Sums by day and upwards; an empty `group_by` gives one row. `until` is not part of what is summed."""

    group_by: tuple[GroupBy, ...] = ()
    since_unix: float | None = None
    until_unix: float | None = None
    key: str | None = None
    model: str | None = None
    provider: str | None = None


class UsageRow(Struct, frozen=True, kw_only=True):
    """One sum. Names that were not grouped by are None."""

    day: str | None = None
    key: str | None = None
    model: str | None = None
    provider: str | None = None
    requests: int = 0
    errors: int = 0
    unknown: int = 0
    tokens: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_tokens: int = 0
    estimate_nano_usd: int = 0
    cost_nano_usd: int = 0


class PageQuery(Struct, frozen=True, kw_only=True):
    """Rows from the newest to the oldest; `before` is the cursor of the page before."""

    before: str | None = None
    limit: int = 100
    since_unix: float | None = None
    until_unix: float | None = None
    key: str | None = None
    model: str | None = None
    provider: str | None = None
    outcome: str | None = None
    what: str | None = None
    """Of audit rows."""


REQUEST_FILTERS = ("key", "model", "provider", "outcome")
GROUPS: Mapping[GroupBy, str] = MappingProxyType({"key": "key", "model": "model", "provider": "provider", "day": "day"})


def usage_statement(query: UsageQuery) -> Statement:
    """The day of `until_unix` counts only if it had begun."""
    columns = [GROUPS[group] for group in dict.fromkeys(query.group_by)]
    conditions: list[str] = []
    values: list[Any] = []
    if query.since_unix is not None:
        conditions.append("day >= ?")
        values.append(day_of(query.since_unix))
    if query.until_unix is not None:
        conditions.append("day <= ?")
        values.append(day_of(query.until_unix - 1e-3))
    for name in ("key", "model", "provider"):
        if (value := getattr(query, name)) is not None:
            conditions.append(f"{name} = ?")
            values.append(value)
    totals = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT)" for name in SUMMED)
    grouped = f" GROUP BY {', '.join(columns)} ORDER BY {', '.join(columns)}" if columns else ""
    sql = f"SELECT {', '.join([*columns, totals])} FROM usage{_where(conditions)}{grouped} LIMIT ?"
    return sql, (*values, MOST_ROWS * 10)


def usage_row(query: UsageQuery, row: tuple[Any, ...]) -> UsageRow:
    names = [*dict.fromkeys(query.group_by), *SUMMED]
    return UsageRow(**dict(zip(names, row, strict=True)))


def requests_statement(query: PageQuery, table: str = "requests") -> Statement:
    return _page(table, REQUEST_COLUMNS, REQUEST_FILTERS, query)


def audit_statement(query: PageQuery) -> Statement:
    return _page("audit", AUDIT_COLUMNS, ("what",), query)


def first_id_at(unix: float) -> str:
    """No request of that moment or later has a smaller id."""
    return ulid_of(int(max(0.0, unix) * 1000), 0)


def _page(table: str, columns: tuple[str, ...], filters: tuple[str, ...], query: PageQuery) -> Statement:
    conditions: list[str] = []
    values: list[Any] = []
    if query.before is not None:
        conditions.append("id < ?")
        values.append(query.before)
    if query.since_unix is not None:
        conditions.append("id >= ?")
        values.append(first_id_at(query.since_unix))
    if query.until_unix is not None:
        conditions.append("id < ?")
        values.append(first_id_at(query.until_unix))
    for name in filters:
        if (value := getattr(query, name)) is not None:
            conditions.append(f"{name} = ?")
            values.append(value)
    limit = max(1, min(query.limit, MOST_ROWS))
    sql = f"SELECT {', '.join(columns)} FROM {table}{_where(conditions)} ORDER BY id DESC LIMIT ?"
    return sql, (*values, limit)


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
