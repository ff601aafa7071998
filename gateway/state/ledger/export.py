"""Rows of the ledger for people and for spreadsheets: JSON objects with dollars, or CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from gateway.state.money import usd_of

NANO = "_nano_usd"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def told(row: Struct) -> dict[str, Any]:
    """As the API says it: nano-dollars as dollars."""
    return {heading(name): usd_of(value) if name.endswith(NANO) else value for name, value in asdict(row).items()}


def columns_of(kind: type[Struct]) -> list[str]:
    return [heading(name) for name in kind.__struct_fields__]


def heading(name: str) -> str:
    return name.removesuffix(NANO) + "_usd" if name.endswith(NANO) else name


def csv_page(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A head and a line a row; text that a spreadsheet would take for a formula gets a quote before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
