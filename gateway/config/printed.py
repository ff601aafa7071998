"""Files that are printed from code and kept in the repository: `python -m gateway.config.printed` writes them anew."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from gateway.config.print_docs import configuration_page, problems_page
from gateway.config.print_schema import print_schema

PRINTED: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "schemas/tokenhub.schema.json": print_schema,
        "docs/problems.md": problems_page,
        "docs/configuration.md": configuration_page,
    }
)


def main(root: Path) -> None:
    """All of them, below a checkout."""
    for name, text in PRINTED.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).parent.parent.parent)
