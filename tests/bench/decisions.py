"""What one routing decision costs, over a small world and over a large one with health in it."""

import timeit
from collections.abc import Callable

from gateway.domain.ask import Ask, Policy
from gateway.domain.moment import Moment, Vitals
from gateway.domain.snapshot import Snapshot
from gateway.routing.make_plan import make_plan
from tests.builders import a_moment, a_snapshot, a_table, an_ask, an_offer

PROVIDERS = ("north", "south", "west")
NAMED = "a model by its name, 3 offers"
REPEATS = 7


def costs_us(quick: bool) -> dict[str, float]:
    """The best of several repeats, by what was decided."""
    snapshot, moment = a_large_world()
    asks: dict[str, Ask] = {NAMED: an_ask("model-500")}
    for strategy in ("cost", "latency", "availability", "round-robin"):
        asks[f"auto by {strategy}, 3,000 offers"] = an_ask("auto", strategy=strategy)
    for mode in ("normal", "thompson"):
        policy = Policy(mode=mode, max_budget_usd=1.0, max_latency_ms=20_000, min_weight=0.0)
        asks[f"/v1/chat, mode {mode}, 3,000 offers"] = an_ask(None, policy=policy)
    return {name: _best_us(lambda ask=ask: make_plan(snapshot, moment, ask), quick) for name, ask in asks.items()}  # type: ignore[misc]


def a_large_world() -> tuple[Snapshot, Moment]:
    """1,000 models at three providers each; every offer has been called."""
    offers = [
        an_offer(
            f"model-{model}",
            provider,
            input=0.1 + (model * 7 + place) % 97 / 10,
            output=0.4 + (model * 13 + place) % 89 / 5,
            weight=float(model % 11),
        )
        for model in range(1000)
        for place, provider in enumerate(PROVIDERS)
    ]
    vitals = {
        offer.name: Vitals(samples=50, error_rate=number % 7 / 100, latency_ms=200.0 + number * 31 % 900)
        for number, offer in enumerate(offers)
    }
    return a_snapshot(a_table(offers)), a_moment(offers=vitals, chance=7)


def _best_us(decide: Callable[[], object], quick: bool) -> float:
    decide()
    once = min(timeit.repeat(decide, number=1, repeat=3))
    number = max(1, int((0.01 if quick else 0.1) / once))
    return min(timeit.repeat(decide, number=number, repeat=2 if quick else REPEATS)) / number * 1e6
