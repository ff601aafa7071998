"""What the ledger knows: sums of usage, single requests, and who changed what. As JSON, or as CSV."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from msgspec import structs

from gateway.errors import RequestError
from gateway.flow.gateway import Gateway
from gateway.state.ledger.query import GroupBy, PageQuery, UsageQuery
from gateway.state.store_error import StoreError

GROUPS: tuple[GroupBy, ...] = ("key", "model", "provider", "day")
NANO = 1e9
MAX_LIMIT = 1000


@get("/usage")
async def usage(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[Any]:
    """`?group_by=key,model,provider,day&from=2027-01-01&to=2027-02-01&key=…&model=…&provider=…&format=csv`."""
    asked = request.query_params
    query = UsageQuery(
        group_by=groups_of(asked.get("group_by", "")),
        since_unix=moment_of_text(asked.get("from"), "from"),
        until_unix=moment_of_text(asked.get("to"), "to"),
        key=asked.get("key"),
        model=asked.get("model"),
        provider=asked.get("provider"),
    )
    rows = [in_dollars(structs.asdict(row)) for row in await _ask(gateway.ledger.usage(query))]
    return told(rows, asked.get("format"), {})


@get("/requests")
async def requests(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[Any]:
    """Newest first; `?limit=100&before=<cursor>` and the filters of `/usage`, and `outcome`."""
    query = page_of(request.query_params)
    rows = [in_dollars(structs.asdict(row)) for row in await _ask(gateway.ledger.requests(query))]
    return told(rows, request.query_params.get("format"), {"next": cursor_after(rows, query)})


@get("/audit")
async def audit_rows(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> Response[Any]:
    """Every change that was made through this API, newest first."""
    query = page_of(request.query_params)
    rows = [structs.asdict(row) for row in await _ask(gateway.ledger.audit(query))]
    return told(rows, request.query_params.get("format"), {"next": cursor_after(rows, query)})


def groups_of(text: str) -> tuple[GroupBy, ...]:
    wanted = [part for part in text.split(",") if part]
    for part in wanted:
        if part not in GROUPS:
            raise RequestError(
                "invalid_value", "invalid_value", f"group_by takes {', '.join(GROUPS)}", param="group_by"
            )
    return tuple(group for group in GROUPS if group in wanted)


def page_of(asked: Any) -> PageQuery:
    limit = asked.get("limit", "100")
    if not str(limit).isdigit() or not 1 <= int(limit) <= MAX_LIMIT:
        raise RequestError("invalid_value", "invalid_value", f"limit must be 1 to {MAX_LIMIT}", param="limit")
    return PageQuery(
        before=asked.get("before"),
        limit=int(limit),
        since_unix=moment_of_text(asked.get("from"), "from"),
        until_unix=moment_of_text(asked.get("to"), "to"),
        key=asked.get("key"),
        model=asked.get("model"),
        provider=asked.get("provider"),
        outcome=asked.get("outcome"),
        what=asked.get("what"),
    )


def moment_of_text(text: str | None, param: str) -> float | None:
    """A day, a moment in ISO 8601, or Unix seconds."""
    if text is None:
        return None
    try:
        if text.replace(".", "", 1).isdigit():
            return float(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            "invalid_value", "invalid_value", f"{param} must be a date such as 2027-01-31", param=param
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def in_dollars(row: dict[str, Any]) -> dict[str, Any]:
    """Nano-dollars are exact inside; people read dollars."""
    return {
        name.replace("_nano_usd", "_usd"): value / NANO if name.endswith("_nano_usd") else value
        for name, value in row.items()
    }


def cursor_after(rows: list[dict[str, Any]], query: PageQuery) -> str | None:
    return rows[-1]["id"] if len(rows) == query.limit else None


def told(rows: list[dict[str, Any]], form: str | None, more: dict[str, Any]) -> Response[Any]:
    if form in (None, "json"):
        return Response({"data": rows} | more)
    if form != "csv":
        raise RequestError("invalid_value", "invalid_value", "format must be json or csv", param="format")
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["id"])
    writer.writeheader()
    writer.writerows({name: defused(value) for name, value in row.items()} for row in rows)
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8")


def defused(value: Any) -> Any:
    """A cell that a spreadsheet would take for a formula is text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


async def _ask(answer: Any) -> Any:
    try:
        return await answer
    except StoreError as error:
        raise RequestError("overloaded", "ledger_unavailable", str(error), retry_after_s=5) from None
