"""Rows for people: a table on a terminal, aligned columns in a pipe."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """`columns` are names of fields and their headings; numbers stand to the right."""
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold")
    for name, heading in columns.items():
        number = bool(rows) and all(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(
            heading, justify="right" if number else "left", overflow="fold", no_wrap=not console.is_terminal
        )
    for row in rows:
        table.add_row(*(Text(told(name, row.get(name))) for name in columns))
    if console.is_terminal:
        console.print(table)
    else:
        Console(highlight=False, width=10_000).print(table, soft_wrap=True)


def told(name: str, value: Any) -> str:
    """Dollars to the hundredth of a cent (below one, finer), counts with thousands apart."""
    if value is None:
        return "–"
    if name.endswith("_usd") or name == "usd":
        return f"{value:,.6f}" if abs(value) < 1 else f"{value:,.4f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
