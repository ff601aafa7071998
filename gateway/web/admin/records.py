"""What the ledger knows: sums of usage, single requests, and who changed what. As JSON, or as CSV."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import Struct

from gateway.errors import RequestError
from gateway.flow.gateway import Gateway
from gateway.state.ledger.export import columns_of, csv_page, told
from gateway.state.ledger.query import MOST_ROWS, GroupBy, PageQuery, UsageQuery, UsageRow
from gateway.state.ledger.record import AuditRow, Record, plain
from gateway.state.store_error import StoreError
from gateway.ulid import is_ulid

GROUPS: tuple[GroupBy, ...] = ("key", "model", "provider", "day")
LAST_UNIX = 253_402_300_799
"""The end of the year 9999."""
DAY_DIGITS = len("20270131")
NEXT = "X-TokenHub-Next"
NOTHING: Mapping[str, str | None] = MappingProxyType({})


@get("/usage")
async def usage(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[Any]:
    """`?group_by=key,model,provider,day&from=2027-01-01&to=2027-02-01&key=…&model=…&provider=…&format=csv`."""
    asked = request.query_params
    query = UsageQuery(
        group_by=groups_of(asked.get("group_by", "")),
        since_unix=moment_of_text(asked.get("from"), "from"),
        until_unix=moment_of_text(asked.get("to"), "to"),
        **filters_of(asked, ("key", "model", "provider")),
    )
    return answer(await _ask(gateway.ledger.usage(query)), UsageRow, asked.get("format"))


@get("/requests")
async def requests(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[Any]:
    """Newest first; `?limit=100&before=<cursor>` and the filters of `/usage`, and `outcome`."""
    query = page_of(request.query_params)
    return page(await _ask(gateway.ledger.requests(query)), Record, request.query_params.get("format"), query)


@get("/audit")
async def audit_rows(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[Any]:
    """Every change, newest first: those made through this API, and those of the files; `?what=provider.disable`."""
    query = page_of(request.query_params)
    return page(await _ask(gateway.ledger.audit(query)), AuditRow, request.query_params.get("format"), query)


def groups_of(text: str) -> tuple[GroupBy, ...]:
    wanted = [part for part in text.split(",") if part]
    for part in wanted:
        if part not in GROUPS:
            raise _wrong(f"group_by takes {', '.join(GROUPS)}", "group_by")
    return tuple(group for group in GROUPS if group in wanted)


def page_of(asked: Any) -> PageQuery:
    return PageQuery(
        before=cursor_of_text(asked.get("before")),
        limit=limit_of_text(asked.get("limit", "100")),
        since_unix=moment_of_text(asked.get("from"), "from"),
        until_unix=moment_of_text(asked.get("to"), "to"),
        **filters_of(asked, ("key", "model", "provider", "outcome", "what")),
    )


def filters_of(asked: Any, names: tuple[str, ...]) -> dict[str, str]:
    """In the letters in which rows are kept: no database is asked for what it could not hold."""
    return {name: plain(text) for name in names if (text := asked.get(name)) is not None}


def limit_of_text(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_ROWS)) and 1 <= int(text) <= MOST_ROWS):
        raise _wrong(f"limit must be 1 to {MOST_ROWS}", "limit")
    return int(text)


def cursor_of_text(text: str | None) -> str | None:
    """The id of a row, as in `next` of an answer; the id of a request may keep its prefix."""
    if text is None:
        return None
    cursor = text.removeprefix("req-")
    if not is_ulid(cursor):
        raise _wrong("before must be what `next` said in the answer before", "before")
    return cursor


def moment_of_text(text: str | None, param: str) -> float | None:
    """A day, a moment in ISO 8601, or Unix seconds."""
    if text is None:
        return None
    try:
        unix = float(text) if _is_number(text) and len(text) != DAY_DIGITS else _unix_of_iso(text)
    except (ValueError, OverflowError):
        unix = -1.0
    if not 0 <= unix <= LAST_UNIX:
        raise _wrong(f"{param} must be a date such as 2027-01-31, or Unix seconds", param)
    return unix


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def _unix_of_iso(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def page(rows: Sequence[Struct], kind: type[Struct], form: str | None, query: PageQuery) -> Response[Any]:
    """With the cursor of the rows after these: in the body, or beside a CSV in the header."""
    cursor = str(getattr(rows[-1], "id")) if len(rows) == query.limit else None  # noqa: B009 every such row has one
    return answer(rows, kind, form, {"next": cursor})


def answer(
    rows: Sequence[Struct], kind: type[Struct], form: str | None, more: Mapping[str, str | None] = NOTHING
) -> Response[Any]:
    if form in (None, "json"):
        return Response({"data": [told(row) for row in rows]} | dict(more))
    if form != "csv":
        raise _wrong("format must be json or csv", "format")
    cursor = more.get("next")
    headers = {} if cursor is None else {NEXT: cursor}
    text = csv_page(columns_of(kind), map(told, rows))
    return Response(text, media_type="text/csv", headers=headers)


def _wrong(message: str, param: str) -> RequestError:
    return RequestError("invalid_value", "invalid_value", message, param=param)


async def _ask(answer: Any) -> Any:
    try:
        return await answer
    except StoreError as error:
        raise RequestError("overloaded", "ledger_unavailable", str(error), retry_after_s=5) from None
