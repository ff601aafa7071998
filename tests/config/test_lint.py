# ruff: noqa: E501 (tables)
"""Lint finds what is valid and still a mistake; and what is no mistake it leaves alone."""

from pathlib import Path

import pytest

from gateway.config.codes import CODES
from gateway.config.problem import as_text
from tests.config.mistakes import of_lint
from tests.config.worlds import a_world, loaded

DIGEST = f'"sha256:{"1" * 64}"'

BASE = f"""
version: 1
defaults: {{strategy: cost, max_budget_usd: 0.05}}
providers:
  openai: {{dialect: openai, api_key: "${{env:SET}}", labels: {{region: us}}}}
  azure: {{dialect: azure, base_url: "https://eu.example.com", api_key: "${{env:SET}}", labels: {{region: eu}}}}
  anthropic: {{dialect: anthropic, api_key: "${{env:SET}}", labels: {{region: us}}}}
  spare: {{dialect: anthropic, api_key: "${{env:SET}}", enabled: false}}
models:
  large:
    weight: 8
    context_window: 128000
    max_output_tokens: 16384
    capabilities: [chat, tools, vision, json_schema]
    offers:
      - {{provider: openai, id: large-1, price: {{input: 2.5, output: 10}}}}
      - {{provider: azure, id: large-eu, price: {{input: 2.6, output: 11}}}}
  rival:
    weight: 9
    context_window: 200000
    max_output_tokens: 8192
    capabilities: [chat, tools, vision, json_schema]
    offers: [{{provider: anthropic, price: {{input: 3, output: 15}}}}]
  small:
    weight: 4
    context_window: 128000
    max_output_tokens: 16384
    capabilities: [chat, tools, vision, json_schema]
    offers: [{{provider: openai, price: {{input: 0.15, output: 0.6}}}}]
  embed:
    capabilities: [embeddings]
    context_window: 8192
    offers: [{{provider: openai, price: {{input: 0.02, output: 0}}}}]
aliases:
  smart: large
  eu-smart: azure/large
  best: {{tier: [rival, large], ordered: true}}
fallbacks: {{large: [rival], rival: [small]}}
wildcard_models: [rival, large, small]
routing: {{retries: {{max_attempts: 4}}}}
keys:
  - {{name: app, digest: {DIGEST}, models: [large, "anthropic/*"], limits: {{monthly_usd: 200}}}}
"""

EU = 'policies: [{name: eu, aliases: ["eu-*"], require: {region: eu}}]\n'

HARMLESS: tuple[tuple[str, str], ...] = (
    # (old, new): what is replaced in the base; an empty old is added at the end
    ("", "# a comment\n"),
    ("version: 1", "version: 1   # the language"),
    ("strategy: cost", "strategy: latency"),
    ("strategy: cost", "mode: planning"),
    ("max_budget_usd: 0.05", "max_budget_usd: 5"),
    ("max_budget_usd: 0.05", "max_latency_ms: 1000"),
    ("max_budget_usd: 0.05", "default_model: smart"),
    ("region: us}}\n  azure", "region: us, tier: gold}}\n  azure"),
    ("enabled: false", "enabled: false, labels: {region: mars}"),
    ("enabled: false", "enabled: true, base_url: 'https://spare.example.com'"),
    ("weight: 8", "weight: 9.5"),
    ("weight: 4", "weight: 0"),
    ("context_window: 200000", "context_window: 131072"),
    ("context_window: 200000", "context_window: 120000"),
    ("context_window: 200000", "context_window: 256000"),
    ("max_output_tokens: 8192", "max_output_tokens: 64000"),
    ("{input: 2.5, output: 10}", "{input: 2, output: 8}"),
    ("{input: 0.15, output: 0.6}", "{input: 0, output: 0}"),
    ("{input: 3, output: 15}", "{input: 30, output: 150}"),
    ("id: large-eu", "id: large-eu-2"),
    ("id: large-eu", "id: large-1"),
    ("smart: large", "smart: {model: large, enabled: true}"),
    ("smart: large", "smart: {model: large, enabled: false}"),
    ("smart: large", "smart: {split: [{model: large, weight: 95}, {model: rival, weight: 5}], sticky_by: key}"),
    ("smart: large", "smart: {tier: [large, small]}"),
    ("smart: large", "smart: best"),
    ("[rival, large], ordered: true", "[large, rival], ordered: true"),
    ("[rival, large], ordered: true", "[rival, large, small]"),
    ("{large: [rival], rival: [small]}", "{large: [rival]}"),
    ("{large: [rival], rival: [small]}", "{large: [rival, small]}"),
    ("{large: [rival], rival: [small]}", "{smart: [rival], large: [rival]}"),
    ("{large: [rival], rival: [small]}", "{small: [rival]}"),
    ("[rival, large, small]", "[large, rival, small]"),
    ("[rival, large, small]", "[rival, small]"),
    ("[rival, large, small]", "[rival]"),
    ("[rival, large, small]", "[openai/large, rival, azure/large]"),
    ("[rival, large, small]\n", "[]\n"),
    ("max_attempts: 4", "max_attempts: 3"),
    ("max_attempts: 4", "max_attempts: 10"),
    ("monthly_usd: 200", "monthly_usd: 0.5"),
    ("monthly_usd: 200", "requests_per_minute: 1"),
    ('"anthropic/*"]', '"anthropic/*"], scopes: [chat]'),
    ('models: [large, "anthropic/*"]', "models: [embed], scopes: [embeddings]"),
    ('models: [large, "anthropic/*"]', 'models: [large, "anthropic/*"], providers: [openai, "an*"]'),
    ("", EU),
    ("", EU.replace("eu-*", "eu-smart")),
    ("", "tests: [{name: t, ask: {model: large}, expect: {model: large}}]\n"),
)


def problems_of(folder: Path, text: str) -> list[str]:
    return [as_text(problem) for problem in loaded(folder, text, a_world(secrets="skip")).problems]


@pytest.mark.parametrize(("old", "new"), HARMLESS, ids=[f"{number}" for number in range(len(HARMLESS))])
def test_a_harmless_change_is_not_flagged(old: str, new: str, tmp_path: Path) -> None:
    text = BASE.replace(old, new, 1) if old else BASE + new
    assert text != BASE
    if "policies" in new:
        text = text.replace("{large: [rival], rival: [small]}", "{rival: [small]}")
    assert problems_of(tmp_path, text) == []


def test_there_are_forty_of_each() -> None:
    assert len(set(of_lint.ROWS)) >= 40
    assert len(set(HARMLESS)) >= 40
    assert {code for code, _ in of_lint.ROWS} <= set(CODES)


WAYS = [
    ("large", "{large: [rival]}", "with `azure` and `openai` down, `large` -> fallback `rival` can reach `anthropic`"),
    ("eu-smart", "{large: [rival]}", "with `azure` down, `eu-smart` -> fallback `rival` can reach `anthropic`"),
    ("eu-smart", "{eu-smart: [far]}", "with `azure` down, `eu-smart` -> fallback `far` -> `small` can reach `openai`"),
    ("eu-smart", "{eu-smart: [near], near: [rival]}", "with `azure` down, `eu-smart` -> fallback `near` -> fallback `rival`"),
    ("eu-smart", "{eu-smart: [near, rival]}", "with `azure` down, `eu-smart` -> fallback `rival` can reach `anthropic`"),
    ("smart", "{rival: [small]}", "`smart` -> `large` can reach `openai`, whose `region` is not `eu`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fallbacks", "words"), WAYS)
def test_a_broken_promise_is_refuted_with_the_outage_and_the_way(
    name: str, fallbacks: str, words: str, tmp_path: Path
) -> None:
    text = BASE.replace("{large: [rival], rival: [small]}", fallbacks)
    text = text.replace("  smart: large\n", "  smart: large\n  far: small\n  near: {tier: [azure/large-eu]}\n")
    text = text.replace("near: {tier: [azure/large-eu]}", "near: near-model").replace(
        "  embed:\n",
        "  near-model: {max_output_tokens: 9, context_window: 128000, capabilities: [chat, tools, vision, json_schema],"
        " offers: [{provider: azure, price: {input: 1, output: 1}}]}\n  embed:\n",
    )
    if name == "large":
        text = text.replace("labels: {region: us}}", "labels: {region: eu}}", 1)
    text += f"policies: [{{name: promised, aliases: [{name}], require: {{region: eu}}}}]\n"
    (problem,) = [one for one in loaded(tmp_path, text, a_world()).problems if one.severity == "error"]
    assert problem.code == "TH2703"
    assert words in problem.message
    assert problem.hint == "promised by the policy `promised`"
