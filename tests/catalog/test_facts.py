"""Every figure of the catalogue stands in the facts: checked from the YAML and the JSON, without the tool between."""

import json
import math
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent.parent
FACTS: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "data" / "hosted-models.json").read_text())[
    "providers"
]
FOLDER = HERE.parent / "configs" / "catalog"
AS_OF = date(2026, 11, 21)

SOLD_BY = {
    "anthropic": ["anthropic"],
    "azure": ["azure"],
    "bedrock": ["bedrock_converse", "bedrock"],
    "bedrock-eu": ["bedrock_converse", "bedrock"],
    "bedrock-us": ["bedrock_converse", "bedrock"],
    "cerebras": ["cerebras"],
    "cohere": ["cohere_chat", "cohere"],
    "deepseek": ["deepseek"],
    "fireworks": ["fireworks_ai"],
    "gemini": ["gemini"],
    "groq": ["groq"],
    "mistral": ["mistral"],
    "moonshot": ["moonshot"],
    "openai": ["openai", "text-completion-openai"],
    "perplexity": ["perplexity"],
    "voyage": ["voyage"],
    "xai": ["xai"],
}
SUPPORTED = {
    "tools": {"function_calling"},
    "vision": {"vision", "image_input"},
    "audio": {"audio_input", "audio_output"},
    "json_schema": {"response_schema", "native_structured_output"},
    "reasoning": {"reasoning"},
}
NAMES = {
    "input": "input",
    "output": "output",
    "cached_input": "cache_read",
    "cache_write": "cache_write",
    "reasoning": "reasoning",
    "audio_input": "audio_input",
    "audio_output": "audio_output",
}


def offered(vendor: str) -> Iterator[tuple[str, Any, Any, Any]]:
    """Each model of a file: its name, what the file says, its offer, and the row of the facts for the offer's id."""
    page, groups = yaml.safe_load((FOLDER / f"{vendor}.yaml").read_text()), SOLD_BY[vendor]
    prefixes = ("", *(f"{group}/" for group in groups))
    for name, model in page["models"].items():
        (offer,) = model["offers"]
        called = offer.get("id", name)
        rows = [FACTS[group][p + called] for group in groups for p in prefixes if p + called in FACTS[group]]
        yield name, model, offer, rows[-1]


of_each_vendor = pytest.mark.parametrize("vendor", SOLD_BY)


def test_there_is_a_file_for_each_vendor_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*SOLD_BY, "tiers"}


@of_each_vendor
def test_window_output_limit_and_last_day_are_the_facts(vendor: str) -> None:
    for name, model, offer, row in offered(vendor):
        assert offer["provider"] == vendor, name
        assert model["context_window"] == row["context_window"], name
        if row["mode"] != "embedding":
            assert model["max_output_tokens"] == (row.get("max_output") or row["context_window"]), name
        assert str(model.get("retires_on")) == str(row.get("retires_on")), name


@of_each_vendor
def test_every_price_is_the_facts_and_every_such_fact_is_a_price(vendor: str) -> None:
    for name, model, offer, row in offered(vendor):
        facts, price = row["usd_per_million_tokens"], dict(offer["price"])
        above = price.pop("above", None)
        told = {ours: facts[theirs] for ours, theirs in NAMES.items() if theirs in facts}
        if row["mode"] == "embedding":
            told.setdefault("output", 0)
        if told.get("cache_write") == 0:
            del told["cache_write"]  # nothing extra: such tokens are input
        assert price == told, name
        reachable = "input_above_200k" in facts and model["context_window"] > 200_000
        long = {"tokens": 200_000, "input": facts.get("input_above_200k"), "output": facts.get("output_above_200k")}
        assert above == (long if reachable else None), name


@of_each_vendor
def test_nothing_is_promised_that_the_facts_do_not_tell(vendor: str) -> None:
    for name, model, _, row in offered(vendor):
        call, *features = model["capabilities"]
        assert call == {"chat": "chat", "embedding": "embeddings", "completion": "completions"}[row["mode"]], name
        told = {*row.get("supports", ()), *row["usd_per_million_tokens"]}
        for feature in features:
            sized = feature == "dimensions" and call == "embeddings"
            assert sized or SUPPORTED[feature] & told, (name, feature)


@of_each_vendor
def test_nothing_is_offered_that_is_retired_or_about_to(vendor: str) -> None:
    for name, _, _, row in offered(vendor):
        last = row.get("retires_on")
        assert last is None or date.fromisoformat(last) > AS_OF + timedelta(days=60), name


@of_each_vendor
def test_the_weight_follows_the_rule_at_the_head_of_the_file(vendor: str) -> None:
    assert "0.375, 0.75, 1.5, 3, 6, 12, 24, 48 USD" in (FOLDER / f"{vendor}.yaml").read_text()
    for name, model, _, row in offered(vendor):
        output = row["usd_per_million_tokens"].get("output", 0)
        doubled = 0 if output < 0.375 else min(8, math.floor(math.log2(output / 0.375)) + 1)
        expected = 1 + doubled + ("reasoning" in row.get("supports", ()))
        assert model["weight"] == (0 if row["mode"] == "embedding" else min(10, expected)), name


def test_every_file_says_of_when_it_is_and_from_where() -> None:
    for vendor in SOLD_BY:
        head = (FOLDER / f"{vendor}.yaml").read_text().partition("\nversion: 1\n")[0]
        assert f"# as_of:   {AS_OF}" in head
        assert "# sources: " in head
        assert "# needs:   " in head


def test_the_page_accounts_for_every_row() -> None:
    page = (HERE.parent / "docs" / "catalog-rows.md").read_text()
    here = {id(row) for vendor in SOLD_BY for _, _, _, row in offered(vendor)}
    for rows in FACTS.values():
        for name, row in rows.items():
            ids = {name, name.partition("/")[2]} if "/" in name else {name}
            assert id(row) in here or any(f"`{one}`" in page for one in ids), name
