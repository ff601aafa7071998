"""The scored order to the sixth decimal, and what a hint, a ladder and a full table make of it."""

import pytest
from msgspec.structs import replace

from gateway.domain.ask import Ask, OutputContract, Policy
from gateway.domain.moment import Moment, Vitals
from gateway.domain.plan import Plan
from gateway.errors import RequestError
from gateway.routing.make_plan import explain_plan, make_plan
from tests.builders import a_moment, a_snapshot, a_table, an_ask, an_offer

MINI = an_offer("mini", "p", input=0.5, output=1.5, weight=3.0, context_window=16_000)
STD = an_offer("std", "p", input=10.0, output=30.0, weight=8.0, context_window=128_000)
MAX = an_offer("max", "p", input=15.0, output=75.0, weight=10.0, context_window=200_000)
THREE = a_snapshot(a_table([MAX, MINI, STD]))


def an_ask_with(mode: str = "normal", *, budget: float = 0.05, weight: float = 0.0, hint: str | None = None) -> Ask:
    policy = Policy(mode=mode, max_budget_usd=budget, max_latency_ms=20_000, min_weight=weight, hint=hint)
    return an_ask(None, surface="policy", policy=policy, input_tokens=500)


def order(plan: Plan) -> list[str]:
    return [step.offer.model for step in plan.steps]


# Costs of 500 tokens in and 512 out: mini 0.001018, std 0.02036, max 0.0459 USD. Without health data latency and
# failure count 0, so each score is cost·(c / 0.0459) - capability·(w / 10).
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("cheap", {"mini": -0.0144749455, "std": 0.2305010893, "max": 0.6}),
        ("normal", {"std": -0.0891067538, "mini": -0.0694553377, "max": 0.0}),
        ("high_confidence", {"max": -0.65, "std": -0.5378213508, "mini": -0.2088910675}),
        ("planning", {"max": -0.5, "std": -0.4356427015, "mini": -0.1777821351}),
    ],
)
def test_the_four_fixed_modes_score_three_models_as_the_formula_says(mode: str, expected: dict[str, float]) -> None:
    plan = make_plan(THREE, a_moment(), an_ask_with(mode))
    assert order(plan) == list(expected)
    for step in plan.steps:
        assert step.score is not None
        assert step.score.total == pytest.approx(expected[step.offer.model], abs=1e-6)
        parts = step.score.cost + step.score.latency + step.score.failure + step.score.capability
        assert step.score.total == pytest.approx(parts, abs=1e-12)


# With `max` gone the maxima are 0.02036 USD and weight 8.
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("cheap", {"mini": -0.0025, "std": 0.6}),
        ("normal", {"mini": -0.08125, "std": 0.0}),
        ("high_confidence", {"std": -0.65, "mini": -0.26}),
        ("planning", {"std": -0.5, "mini": -0.22}),
    ],
)
def test_a_budget_that_removes_the_dearest_changes_scores_as_computed(mode: str, expected: dict[str, float]) -> None:
    plan = explain_plan(THREE, a_moment(), an_ask_with(mode, budget=0.04))
    assert order(plan) == list(expected)
    for step in plan.steps:
        assert step.score is not None
        assert step.score.total == pytest.approx(expected[step.offer.model], abs=1e-6)
    assert [(each.name, each.rule) for each in plan.refused] == [("p/max", "budget")]


def test_unknown_latency_counts_as_the_median_of_the_known_ones() -> None:
    seen = {"p/mini": Vitals(latency_ms=100.0, error_rate=0.2), "p/std": Vitals(latency_ms=400.0, error_rate=0.1)}
    plan = explain_plan(THREE, a_moment(offers=seen), an_ask_with())
    terms = {step.offer.model: step.score for step in plan.steps if step.score}
    assert terms["max"].latency == pytest.approx(0.25 * 250 / 400)
    assert terms["mini"].latency == pytest.approx(0.25 * 100 / 400)
    assert [terms[name].failure for name in ("mini", "std", "max")] == pytest.approx([0.25, 0.125, 0.0])


@pytest.mark.parametrize(
    ("offers", "first"),
    [
        ([an_offer("a", weight=4.0, input=0, output=0), an_offer("b", weight=4.0, input=0, output=0)], "a"),
        ([an_offer("b", weight=4.0), an_offer("a", weight=4.0)], "a"),
    ],
)
def test_ties_end_with_the_name(offers: list, first: str) -> None:
    assert order(make_plan(a_snapshot(a_table(offers)), a_moment(), an_ask_with()))[0] == first


def test_a_mode_without_weights_ties_by_weight_then_cost() -> None:
    flat = an_offer("flat", weight=9.0, input=9.0)
    cheap = an_offer("cheap", weight=9.0, input=1.0)
    snapshot = a_snapshot(a_table([flat, cheap, an_offer("weak", weight=1.0, input=0.0)]))
    zero = snapshot.routing.modes["normal"].__class__(cost=0, latency=0, failure=0, capability=0)
    routing = snapshot.routing.__class__(modes={"zero": zero}, capability_modes={})
    plan = make_plan(a_snapshot(snapshot.table, routing=routing), a_moment(), an_ask_with("zero"))
    assert order(plan) == ["cheap", "flat", "weak"]


def test_a_hint_beats_the_score_but_no_limit() -> None:
    hinted = make_plan(THREE, a_moment(), an_ask_with(hint="max"))
    assert (hinted.kind, order(hinted), hinted.steps[0].reason) == ("hint", ["max", "std", "mini"], "model-hint")
    passed_over = explain_plan(THREE, a_moment(), an_ask_with(hint="mini", weight=5.0))
    assert (passed_over.kind, order(passed_over)) == ("policy", ["std", "max"])
    assert passed_over.refused[0].name == "p/mini"


def test_the_smaller_of_two_output_limits_counts() -> None:
    ask = an_ask(None, policy=an_ask_with().policy, output=OutputContract(max_tokens=10), output_tokens=100)
    assert {step.output_tokens for step in make_plan(THREE, a_moment(), ask).steps} == {10}


def many(count: int) -> list:
    return [
        an_offer(f"m{n:04}", weight=float(n % 11), input=1 + n % 50 / 10, context_window=8_000 * (12 - n % 11))
        for n in range(count)
    ]


def test_a_long_table_gives_a_short_plan_with_wider_offers_in_reserve() -> None:
    snapshot, ask = a_snapshot(a_table(many(300))), replace(an_ask_with("cheap"), input_tokens=6_500)
    plan, explained = make_plan(snapshot, a_moment(), ask), explain_plan(snapshot, a_moment(), ask)
    assert len(plan.steps) == 8
    assert len(explained.steps) == 300
    assert explained.steps[:8] == plan.steps
    windows = [step.offer.context_window for step in plan.wider]
    assert windows == sorted(windows)
    assert min(windows) > min(step.offer.context_window for step in plan.steps)
    assert {step.reason for step in plan.wider} == {"escalated-context-overflow"}
    assert not {step.offer.name for step in plan.steps} & {step.offer.name for step in plan.wider}


def test_auto_reads_only_what_it_needs_and_keeps_wider_offers_when_the_input_comes_near() -> None:
    snapshot = a_snapshot(a_table(many(300)))
    short = make_plan(snapshot, a_moment(), an_ask("auto"))
    assert not short.wider
    near = make_plan(snapshot, a_moment(), an_ask("auto", input_tokens=12_000))
    assert len(near.steps) == 8
    assert [step.offer.name for step in near.steps] == [step.offer.name for step in short.steps]
    assert [step.offer.context_window for step in near.wider] == [40_000, 40_000, 40_000]


def test_auto_prefers_offers_that_our_estimate_fits() -> None:
    offers = [an_offer("small", input=0.1, context_window=1000), an_offer("big", input=5.0, context_window=9000)]
    plan = make_plan(a_snapshot(a_table(offers)), a_moment(), an_ask("auto", input_tokens=1500))
    assert order(plan) == ["big", "small"]
    assert plan.healthy


def test_nothing_eligible_names_every_rule_that_removed_an_offer() -> None:
    with pytest.raises(RequestError, match="no eligible models") as caught:
        make_plan(THREE, a_moment(), an_ask_with(weight=9.0, budget=0.01))
    assert caught.value.kind == "no_eligible"
    rules = {each["name"]: each["rule"] for each in caught.value.facts["refused"]}
    assert rules == {"p/mini": "weight", "p/std": "weight", "p/max": "budget"}


def test_all_resting_is_no_healthy_plan() -> None:
    moment: Moment = a_moment(offers={f"p/{name}": Vitals(cooldown_until=1005.0) for name in ("mini", "std", "max")})
    plan = make_plan(THREE, moment, an_ask_with())
    assert (plan.healthy, plan.retry_after_s) == (False, 5.0)
