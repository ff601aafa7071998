"""Print configs/catalog/ and docs/catalog-rows.md anew: `python -m tests.catalog`."""

from collections.abc import Mapping
from pathlib import Path

from tests.catalog.choose import choose, rows_of
from tests.catalog.facts import read_facts
from tests.catalog.page import print_file
from tests.catalog.rows_page import print_rows
from tests.catalog.vendors import VENDORS

ROOT = Path(__file__).parent.parent.parent


def printed() -> Mapping[str, str]:
    """Every file, by its path below the checkout."""
    facts = read_facts()
    parts = []
    for vendor in VENDORS:
        rows = tuple(row for group in vendor.facts for row in facts[group])
        parts.append((vendor, choose(vendor, rows), rows_of(vendor, rows)))
    files = {f"configs/catalog/{part[0].name}.yaml": print_file(*part) for part in parts if part[1].rows}
    return files | {"docs/catalog-rows.md": print_rows(parts, sum(map(len, facts.values())))}


def main() -> None:
    """All of them."""
    for name, text in printed().items():
        (ROOT / name).write_text(text, encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
