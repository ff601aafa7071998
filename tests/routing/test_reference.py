"""The fast way to a plan and the slow one come to the same: steps, numbers, reasons, refusals."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from gateway.domain.ask import Ask, Policy
from gateway.domain.key import Key
from gateway.domain.moment import Arm, Vitals
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Offer, Price, PriceTier
from gateway.routing import runners
from gateway.routing.make_plan import explain_plan, make_plan
from gateway.routing.runners import HANDFUL
from tests.builders import a_moment, a_snapshot, a_table, an_ask, an_offer
from tests.routing import reference
from tests.routing.reference import ended, planned
from tests.routing.test_properties import World, worlds

Moments = dict[str, Any]
NOW = 1000.0
STRATEGIES = ("cost", "latency", "availability", "round-robin")
MODES = ("cheap", "normal", "high_confidence", "planning", "thompson")


def assert_as_slow(snapshot: Snapshot, moment: Any, ask: Ask) -> None:
    expected = planned(snapshot, moment, ask)
    if expected is None:
        return
    steps, refused = expected
    explained, plan = ended(explain_plan, snapshot, moment, ask), ended(make_plan, snapshot, moment, ask)
    assert explained is not None
    assert list(explained.steps) == steps
    assert sorted((each.name, each.rule) for each in explained.refused if each.rule != "unknown") == refused
    if plan is None:
        assert not steps
        return
    assert list(plan.steps) == steps[: len(plan.steps)]
    assert len(plan.steps) >= min(8, len(steps))
    smallest = min(step.offer.context_window for step in plan.steps)
    assert all(step.offer.context_window > smallest for step in plan.wider)


@pytest.fixture(params=[0, HANDFUL], autouse=True, scope="module")
def handful(request: pytest.FixtureRequest) -> Iterator[None]:
    """Small tables are planned in their own way, and also as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runners, "HANDFUL", request.param)
        patch.setattr(reference, "HANDFUL", request.param)
        yield


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_small_worlds_are_planned_as_the_slow_way_plans_them(world: World) -> None:
    ask = world.ask if world.ask.policy is not None else replace(world.ask, name="auto", fallback=None)
    assert_as_slow(world.snapshot, world.moment, ask)


class Market:
    """A table with hundreds of offers, and a moment that moves on."""

    def __init__(self, seed: int, known: float) -> None:
        self.luck = Random(seed)
        offers = [self.an_offer(model, provider) for model in range(130) for provider in "pqr"]
        self.snapshot = a_snapshot(a_table(offers))
        self.names = [offer.name for offer in offers]
        self.offers = {name: self.vitals() for name in self.names if self.luck.random() < known}
        self.arms = {(name, "small"): self.arm() for name in self.names if self.luck.random() < known}
        self.providers: dict[str, Vitals] = {}

    def an_offer(self, model: int, provider: str) -> Offer:
        pick, tier = self.luck.choice, PriceTier(tokens=700, input=9.0, output=30.0)
        price = Price(
            input=pick([0.1, 1.0, 2.5, 15.0]),
            output=pick([0.4, 2.0, 10.0, 75.0]),
            request=pick([0.0, 0.0, 0.0, 0.01]),
            above=pick([None, None, tier]),
        )
        return an_offer(
            f"model-{model}",
            provider,
            price=pick([price, price, price, None]),
            weight=pick([0.0, 3.0, 5.0, 9.5]),
            context_window=pick([0, 1000, 4000, 128_000]),
            max_output_tokens=pick([0, 256, 4096]),
            capabilities=frozenset(pick([{"chat"}, {"chat", "tools"}, {"chat", "tools"}, {"embeddings"}])),
        )

    def vitals(self) -> Vitals:
        pick = self.luck.choice
        return Vitals(
            error_rate=pick([0.0, 0.0, 0.1, 0.5]),
            latency_ms=pick([None, 20.0, 300.0, 301.5, self.luck.random() * 900]),
            open_until=pick([0.0] * 8 + [NOW - 1, NOW + 9]),
            trials_left=pick([0, 1]),
            cooldown_until=pick([0.0] * 7 + [NOW - 5, NOW + 3]),
            in_flight=pick([0, 1]),
        )

    def arm(self) -> Arm:
        return Arm(alpha=1 + self.luck.random() * 9, beta=1 + self.luck.random() * 4)

    def move_on(self, changes: int) -> None:
        """The mappings stay, as those of a gateway do; what they hold is replaced."""
        for name in self.luck.sample(self.names, changes):
            self.offers[name] = self.vitals()
            self.arms[name, "small"] = self.arm()
        if self.luck.random() < 0.2:
            self.offers.pop(self.luck.choice(self.names), None)
            self.arms.pop((self.luck.choice(self.names), "small"), None)
        self.providers["q"] = self.luck.choice([Vitals(), Vitals(cooldown_until=NOW + 1), Vitals(open_until=NOW + 1)])

    def moment(self) -> Any:
        return a_moment(
            now=NOW,
            offers=self.offers,
            providers=self.providers,
            arms=self.arms,
            chance=self.luck.getrandbits(64),
            turns={"auto": self.luck.randrange(1000)},
            disabled_providers=self.luck.choice([frozenset(), frozenset("r")]),
        )

    def asks(self) -> Iterator[Ask]:
        pick = self.luck.choice
        key = Key(name="k", digests=(), scopes=frozenset(), offers=frozenset(self.names[:200]))
        more: dict[str, Any] = {
            "input_tokens": pick([1, 600, 900, 1500, 2500, 50_000]),
            "output_tokens": pick([None, 200, 5000]),
            "choices": pick([1, 1, 3]),
            "features": pick([frozenset(), frozenset({"tools"})]),
            "key": pick([None, key]),
        }
        for strategy in STRATEGIES:
            yield an_ask("auto", strategy=strategy, **more)
        for mode in MODES:
            bounds = Policy(
                mode=mode,
                max_budget_usd=pick([100.0, 0.02, 0.004]),
                max_latency_ms=pick([300_000, 500, 21]),
                min_weight=pick([0.0, 0.0, 4.0]),
                hint=pick([None, None, "model-3", "q/model-7"]),
            )
            yield an_ask(None, surface="policy", policy=bounds, **more)


@pytest.mark.parametrize("known", [0.0, 0.05, 0.6, 1.0])
@pytest.mark.parametrize("changes", [1, 5, 40, 200])
def test_large_worlds_that_move_on_are_planned_as_the_slow_way_plans_them(known: float, changes: int) -> None:
    market = Market(seed=changes, known=known)
    for _ in range(3):
        moment = market.moment()
        for ask in market.asks():
            assert_as_slow(market.snapshot, moment, ask)
        market.move_on(changes)
