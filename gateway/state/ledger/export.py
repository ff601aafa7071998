"""Rows of the ledger for people and for spreadsheets: JSON objects with dollars, or CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from gateway.state.money import usd_of

NANO = "_nano_usd"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def told(row: Struct) -> dict[str, Any]:
    """As the API says it: nano-dollars as dollars, and names that were not asked for left out."""
    fields = asdict(row)
    return {
        name.removesuffix(NANO) + "_usd" if name.endswith(NANO) else name: usd_of(value)
        if name.endswith(NANO)
        else value
        for name, value in fields.items()
    }


def without_ungrouped(fields: Mapping[str, Any], groups: Iterable[str]) -> dict[str, Any]:
    """A usage row without the names it was not grouped by."""
    dropped = {"day", "key", "model", "provider"} - set(groups)
    return {name: value for name, value in fields.items() if name not in dropped}


def csv_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A head and a line a row; text that a spreadsheet would take for a formula gets a quote before it."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    first = True
    for row in rows:
        if first:
            writer.writerow(row)
            first = False
        writer.writerow([_cell(value) for value in row.values()])
        yield page.getvalue()
        page.seek(0)
        page.truncate()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
