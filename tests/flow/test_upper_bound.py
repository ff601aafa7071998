"""What is set aside for a request: more than any way through its plan can use."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.domain.ask import Ask, OutputContract
from gateway.domain.plan import Plan, Step
from gateway.domain.table import Offer, Price, PriceTier
from gateway.flow.upper_bound import MOST_CEILINGS, Ceilings, demand_of, longest_output
from tests.builders import an_ask, an_offer

DEAR = an_offer("dear", input=100.0, output=200.0, max_output_tokens=1000)
CHEAP = an_offer("cheap", input=1.0, output=2.0, max_output_tokens=4000)
FREE = an_offer("free", price=None, max_output_tokens=2000)
SILENT = an_offer("silent", max_output_tokens=0)


def a_plan(*offers: Offer, wider: tuple[Offer, ...] = ()) -> Plan:
    return Plan(asked="x", kind="model", steps=steps(*offers), wider=steps(*wider))


def steps(*offers: Offer) -> tuple[Step, ...]:
    return tuple(Step(offer=offer, reason="strategy-cost", cost_usd=0.0, output_tokens=7) for offer in offers)


@pytest.mark.parametrize(
    ("tokens", "cap", "choices", "bound"), [(100, 50, 1, 165), (1, 0, 1, 2), (0, 10, 3, 30), (1000, 16, 4, 1214)]
)
def test_it_is_the_input_with_headroom_and_all_the_output(tokens: int, cap: int, choices: int, bound: int) -> None:
    ask = an_ask(input_tokens=tokens, output_tokens=cap, choices=choices)
    assert demand_of(ask, a_plan(CHEAP), 1)[0] == bound


def shaped(**more: Any) -> OutputContract:
    return OutputContract(**({"type": "json"} | more))


CASES: dict[str, tuple[Ask, Plan, int, float | None]] = {
    "the longest answer of one, the price of another": (
        an_ask(input_tokens=100),
        a_plan(CHEAP, DEAR),
        115 + 4000,
        (115 * 100 + 1000 * 200) / 1e6,
    ),
    "those an overflow may lead to count": (
        an_ask(input_tokens=100),
        a_plan(DEAR, wider=(CHEAP,)),
        115 + 4000,
        (115 * 100 + 1000 * 200) / 1e6,
    ),
    "one without a price makes the cost unknown": (an_ask(input_tokens=100), a_plan(CHEAP, FREE), 115 + 4000, None),
    "where nobody says how long": (
        an_ask(input_tokens=100),
        a_plan(SILENT),
        115 + 4096,
        (115 * 2.5 + 4096 * 10) / 1e6,
    ),
    "an answer in a shape may be paid twice": (
        an_ask(input_tokens=100, output_tokens=10, output=shaped()),
        a_plan(CHEAP),
        2 * (115 + 10),
        2 * (115 + 20) / 1e6,
    ),
    "a text is paid once": (
        an_ask(input_tokens=100, output_tokens=10, output=shaped(type="text")),
        a_plan(CHEAP),
        115 + 10,
        (115 + 20) / 1e6,
    ),
    "the stricter of two wishes": (
        an_ask(input_tokens=100, output_tokens=10, output=shaped(type="text", max_tokens=5)),
        a_plan(CHEAP),
        115 + 5,
        (115 + 10) / 1e6,
    ),
    "embeddings answer with no tokens": (
        an_ask(input_tokens=100, endpoint="embeddings"),
        a_plan(CHEAP),
        115,
        115 / 1e6,
    ),
    "nothing to try": (an_ask(input_tokens=100), a_plan(), 0, 0.0),
}


@pytest.mark.parametrize(("ask", "plan", "tokens", "usd"), CASES.values(), ids=CASES)
def test_no_step_can_pass_it(ask: Ask, plan: Plan, tokens: int, usd: float | None) -> None:
    bound, most_usd, _ = demand_of(ask, plan, 1, {})
    assert bound == tokens
    assert most_usd == (None if usd is None else pytest.approx(usd))


def test_what_is_probable_follows_the_first_step() -> None:
    ask = an_ask(input_tokens=100, choices=3)
    assert demand_of(ask, a_plan(CHEAP, DEAR), 1)[2] == 121
    assert longest_output(ask, a_plan(DEAR, wider=(CHEAP,))) == 4000


def test_what_is_kept_of_a_plan_is_bounded() -> None:
    ceilings: Ceilings = {}
    for wished in range(1, 3 * MOST_CEILINGS):
        ask = an_ask(input_tokens=100, output_tokens=wished)
        assert demand_of(ask, a_plan(CHEAP, DEAR), 1, ceilings) == demand_of(ask, a_plan(CHEAP, DEAR), 1)
        assert len(ceilings) <= MOST_CEILINGS


def test_a_price_that_follows_the_length_of_the_input_is_asked_for_each_time() -> None:
    tiered = replace(CHEAP, price=Price(input=1.0, output=2.0, above=PriceTier(tokens=200, input=3.0, output=5.0)))
    ceilings: Ceilings = {}
    for tokens in (100, 170, 180, 1000, 100):
        ask = an_ask(input_tokens=tokens, output_tokens=10)
        assert demand_of(ask, a_plan(tiered, DEAR), 1, ceilings) == demand_of(ask, a_plan(tiered, DEAR), 1)
