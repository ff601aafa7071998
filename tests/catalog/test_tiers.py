"""Short names and tiers lead to what they promise."""

from pathlib import Path

import pytest

from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import load
from gateway.config.shape.offering import TierAlias
from tests.catalog.test_files import FOLDER, WORLD, declared, including

VENDORS = {"anthropic", "gemini", "openai"}


def test_every_tier_has_a_model_of_each_vendor(tmp_path: Path) -> None:
    said = declared(including(tmp_path, "tiers.yaml"))
    tiers = {name: alias for name, alias in said.aliases.items() if isinstance(alias, TierAlias)}
    assert set(tiers) == {"premium", "balanced", "economy", "long-context"}
    for tier in tiers.values():
        assert {said.models[name].offers[0].provider for name in tier.tier} == VENDORS


def test_tiers_keep_what_their_names_promise(tmp_path: Path) -> None:
    said = declared(including(tmp_path, "tiers.yaml"))

    def of(name: str, field: str) -> list[float]:
        tier = said.aliases[name]
        assert isinstance(tier, TierAlias)
        return [getattr(said.models[model], field) for model in tier.tier]

    assert min(of("long-context", "context_window")) > 900_000
    assert min(of("premium", "weight")) >= max(of("balanced", "weight")) - 1
    assert min(of("balanced", "weight")) > max(of("economy", "weight"))


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("gpt-4", "gpt-6.1-sol"),
        ("openai/gpt-4-turbo", "gpt-6.1-sol"),
        ("openai/gpt-3.5-turbo-instruct", "gpt-6-luna"),
        ("claude-opus", "claude-opus-5-5"),
        ("anthropic/claude-3-5-sonnet", "claude-sonnet-5-5"),
    ],
)
def test_names_that_are_retired_lead_to_their_successors(asked: str, served: str, tmp_path: Path) -> None:
    assert declared(including(tmp_path, "tiers.yaml")).aliases[asked] == served


def test_names_that_live_on_are_no_aliases(tmp_path: Path) -> None:
    said = declared(including(tmp_path, "tiers.yaml"))
    assert {"gpt-4o", "gpt-4o-mini"} <= set(said.models)
    snapshot = drive(compile_snapshot(load(including(tmp_path, "tiers.yaml"), WORLD)))
    assert {"openai/gpt-4o", "openai/gpt-4o-mini"} <= set(snapshot.table.offers)
    assert snapshot.table.models["gpt-6-luna"].via_chat


def test_the_head_says_which_files_it_needs() -> None:
    head = (FOLDER / "tiers.yaml").read_text().partition("\nversion: 1\n")[0]
    for vendor in VENDORS:
        assert f"{vendor}.yaml" in head
        assert f"{vendor.upper()}_API_KEY" in head
