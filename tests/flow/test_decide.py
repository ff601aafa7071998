"""Routing is told what each dialect and each model cannot be told, and asks only about those it looks at."""

from typing import Any

import pytest

from gateway.domain.ask import Ask, Policy
from gateway.domain.plan import Step
from gateway.domain.settings import Defaults
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Offer, Tier
from gateway.errors import RequestError
from gateway.flow.decide import decide, dropped_fields, explain
from gateway.flow.unsayable import Unsayable
from tests.builders import a_moment, a_provider, a_snapshot, a_table, an_ask, an_offer

HI = [{"role": "user", "content": "Hi"}]
DIALECTS = {"claude": "anthropic", "open": "openai", "seek": "deepseek", "vectors": "voyage"}


def a_world(*offers: Offer, drop: bool = False, **more: Any) -> Snapshot:
    providers = [a_provider(name, dialect=dialect) for name, dialect in DIALECTS.items()]
    defaults = Defaults(unsupported_parameters="drop" if drop else "refuse")
    return a_snapshot(a_table(offers, providers=providers, **more), defaults=defaults)


def asking(name: str | None = "m", **fields: Any) -> Ask:
    return an_ask(name, payload={"model": name, "messages": HI, **fields})


def planned(snapshot: Snapshot, ask: Ask) -> list[str]:
    return [step.offer.name for step in decide(snapshot, a_moment(), ask).steps]


CLAUDE = an_offer("m", "claude", id="claude-opus-5")
OLDER = an_offer("older", "claude", id="claude-sonnet-4-6")
OPEN = an_offer("m", "open")
SEEK = an_offer("m", "seek")


def test_a_field_that_no_provider_of_a_named_model_can_be_told_is_the_callers_mistake() -> None:
    with pytest.raises(RequestError) as caught:
        decide(a_world(CLAUDE, SEEK), a_moment(), asking(seed=7))
    error = caught.value
    assert (error.kind, error.code, error.param, error.provider) == (
        "invalid_value",
        "unsupported_parameter",
        "seed",
        "claude",
    )


def test_it_is_so_even_where_a_fallback_could_be_told() -> None:
    with pytest.raises(RequestError):
        decide(a_world(CLAUDE, an_offer("b", "open"), fallbacks={"m": ("b",)}), a_moment(), asking(seed=7))


def test_a_named_model_goes_to_whoever_can_be_told() -> None:
    assert planned(a_world(CLAUDE, OPEN), asking(seed=7)) == ["open/m"]
    assert planned(a_world(CLAUDE, OPEN), asking()) == ["claude/m", "open/m"]


def test_a_model_may_refuse_what_its_dialect_can_say() -> None:
    world = a_world(CLAUDE, OLDER)
    assert planned(world, asking("older", temperature=0.2)) == ["claude/older"]
    assert planned(world, asking("auto", temperature=0.2)) == ["claude/older"]
    with pytest.raises(RequestError, match="temperature"):
        planned(world, asking(temperature=0.2))


def test_where_fields_may_be_dropped_a_named_model_serves_all_the_same() -> None:
    world, ask = a_world(CLAUDE, drop=True), asking(seed=7, temperature=0.2)
    assert planned(world, ask) == ["claude/m"]
    assert dropped_fields(world, ask, Step(offer=CLAUDE, reason="")) == ("seed", "temperature")


@pytest.mark.parametrize("name", ["auto", "tier"])
def test_where_we_choose_fields_are_dropped_only_if_nobody_can_be_told(name: str) -> None:
    tier = {"tier": Alias(name="tier", meaning=Tier(models=("m", "b"), strategy=None, ordered=True))}
    cheap, dear = CLAUDE, an_offer("b", "open", input=50)
    assert planned(a_world(cheap, dear, aliases=tier, drop=True), asking(name, seed=7)) == ["open/b"]
    assert planned(a_world(cheap, an_offer("b", "seek"), aliases=tier, drop=True), asking(name, seed=7)) == [
        "claude/m",
        "seek/b",
    ]


def test_a_policy_passes_over_them_and_says_so() -> None:
    policy = Policy(mode="normal", max_budget_usd=1, max_latency_ms=20_000, min_weight=0)
    ask = an_ask(None, policy=policy, payload={"messages": HI, "logit_bias": {"1": 2}})
    plan = explain(a_world(CLAUDE, an_offer("b", "open")), a_moment(), ask)
    assert [step.offer.name for step in plan.steps] == ["open/b"]
    assert [(refusal.name, refusal.rule) for refusal in plan.refused] == [("claude/m", "parameters")]
    with pytest.raises(RequestError) as caught:
        decide(a_world(CLAUDE), a_moment(), ask)
    assert caught.value.code == "no_eligible_models"


def test_completions_through_chat_are_judged_as_chat() -> None:
    bridged = an_offer("m", "claude", id="claude-sonnet-4-6", via_chat=True)
    fields = {"endpoint": "completions", "payload": {"model": "m", "prompt": "Once", "max_tokens": 5}}
    assert planned(a_world(bridged), an_ask("m", **fields)) == ["claude/m"]
    fields["payload"]["seed"] = 7
    with pytest.raises(RequestError, match="seed"):
        decide(a_world(bridged), a_moment(), an_ask("m", **fields))


def test_dimensions_are_refused_for_models_that_cannot() -> None:
    blunt = an_offer("m", "vectors", capabilities=frozenset({"embeddings"}))
    sharp = an_offer("m", "vectors", capabilities=frozenset({"embeddings", "dimensions"}))
    ask = an_ask(
        "m", endpoint="embeddings", payload={"input": "a", "dimensions": 8}, features=frozenset({"dimensions"})
    )
    assert planned(a_world(sharp), ask) == ["vectors/m"]
    with pytest.raises(RequestError) as caught:
        decide(a_world(blunt), a_moment(), ask)
    assert (caught.value.kind, caught.value.param) == ("invalid_value", "dimensions")


def test_only_the_providers_that_are_looked_at_are_asked() -> None:
    snapshot = a_world(CLAUDE, an_offer("b", "open"))
    told = Unsayable(snapshot.table, asking(seed=7))
    assert bool(told)
    assert told["claude"] == ("seed",)
    assert list(told) == ["claude"]
    assert told["open"] == ()


def test_it_depends_on_the_model_only_where_a_field_is_there_that_some_models_refuse() -> None:
    snapshot = a_world(CLAUDE, OLDER)
    told = Unsayable(snapshot.table, asking(temperature=0.2))
    assert (told["claude"], told["claude/m"], told["claude/older"]) == (None, ("temperature",), ())
