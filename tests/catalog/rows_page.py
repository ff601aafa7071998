"""Print docs/catalog-rows.md: every row of the facts, and where it went."""

from collections.abc import Iterable

from tests.catalog.choose import Chosen
from tests.catalog.facts import AS_OF, Row
from tests.catalog.page import model_name
from tests.catalog.vendors import Vendor

INTRODUCTION = """<!-- Printed by `python -m tests.catalog`; change the tool, not this page. -->

# Rows of the catalogue

Which of the {all:,} rows of `tests/data/hosted-models.json` (as of {as_of}; ids that stand there twice count once) are
offered by `configs/catalog/`, and why the others are not. How to use the catalogue is told in [catalog.md](catalog.md).
To have a model that is left out here, declare it in your own file.

| File | Models | Rows | Left out |
| --- | --- | --- | --- |
"""

Part = tuple[Vendor, Chosen, tuple[Row, ...]]


def print_rows(parts: Iterable[Part], total: int) -> str:
    """The whole page."""
    parts = list(parts)
    page = INTRODUCTION.format(all=total, as_of=AS_OF)
    for vendor, chosen, rows in parts:
        name = f"`catalog/{vendor.name}.yaml`" if chosen.rows else f"none for {vendor.title}"
        out = sum(map(len, chosen.left_out.values()))
        page += f"| {name} | {len(chosen.rows)} | {len(rows)} | {out} |\n"
    page += f"| together | {sum(len(chosen.rows) for _, chosen, _ in parts)} | | |\n"
    return page + "".join(_vendor(*part) for part in parts)


def _vendor(vendor: Vendor, chosen: Chosen, rows: tuple[Row, ...]) -> str:
    text = f"\n## {vendor.title}\n\n"
    if chosen.rows:
        names = ", ".join(f"`{name}`" for name in sorted(model_name(vendor, row) for row in chosen.rows))
        text += f"- **Here:** {names}\n"
    for reason, left in chosen.left_out.items():
        names = ", ".join(f"`{row.id}`" for row in left)
        text += f"- **{reason[0].upper()}{reason[1:]}:** {names}\n"
    return text
