"""Read the facts about hosted models: a row for each name under which a vendor sells one."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct, field

FILE = Path(__file__).parent.parent / "data" / "hosted-models.json"
AS_OF = date(2026, 11, 21)
"""The day the facts were taken."""


class Row(Struct, frozen=True, kw_only=True):
    """One name at one vendor."""

    name: str = ""
    """As the facts call it, with the prefixes of their own."""
    mode: str | None = None
    context_window: int | None = None
    max_output: int | None = None
    retires_on: date | None = None
    supports: frozenset[str] = frozenset()
    usd_per_million_tokens: Mapping[str, float] = field(default_factory=dict)
    source: str | None = None
    embedding_dimensions: int | None = None

    @property
    def id(self) -> str:
        """What is sent to the vendor."""
        for prefix in OWN_PREFIXES:
            if self.name.startswith(prefix):
                return self.name.removeprefix(prefix)
        return self.name


OWN_PREFIXES = (
    *("azure/", "cerebras/", "cohere/", "deepseek/", "fireworks_ai/", "gemini/", "groq/", "mistral/", "moonshot/"),
    *("openai/", "perplexity/", "voyage/", "xai/"),
)


class _File(Struct):
    providers: dict[str, dict[str, Row]]


def read_facts() -> dict[str, tuple[Row, ...]]:
    """By the vendors' names in the facts. Of two rows with one id, the one under the vendor's prefix speaks."""
    found = msgspec.json.decode(FILE.read_bytes(), type=_File)
    return {vendor: tuple(_once(rows)) for vendor, rows in found.providers.items()}


def _once(rows: Mapping[str, Row]) -> list[Row]:
    named = [msgspec.structs.replace(row, name=name) for name, row in rows.items()]
    by_id: dict[str, Row] = {}
    for row in sorted(named, key=lambda row: row.name != row.id):
        by_id[row.id] = row
    return list(by_id.values())
