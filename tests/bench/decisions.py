"""What one routing decision costs, over a small world and over large ones with more or less health in them."""

from random import Random
from statistics import median
from time import thread_time
from typing import NamedTuple

from msgspec.structs import replace

from gateway.domain.ask import Ask, Policy
from gateway.domain.moment import Arm, Moment, Vitals
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Strategy
from gateway.routing.make_plan import make_plan
from tests.builders import a_moment, a_snapshot, a_table, an_ask, an_offer

PROVIDERS = ("north", "south", "west")
NAMED = "a model by its name, 3 offers"
STRATEGIES: tuple[Strategy, ...] = ("cost", "latency", "availability", "round-robin")
CHANGES = 3


def costs_us(quick: bool) -> dict[str, float]:
    """The median of many, by what was decided."""
    known, unknown = a_large_world(), a_large_world(share_known=0.0)
    costs = {NAMED: _best_us(known, an_ask("model-500"), quick)}
    asks = {f"auto by {strategy}": an_ask("auto", strategy=strategy) for strategy in STRATEGIES}
    for mode in ("cheap", "normal", "thompson"):
        policy = Policy(mode=mode, max_budget_usd=1.0, max_latency_ms=20_000, min_weight=0.0)
        asks[f"/v1/chat, mode {mode}"] = an_ask(None, policy=policy)
    resting = a_large_world(share_resting=0.1)
    for name, ask in asks.items():
        costs[f"{name}, 3,000 offers"] = _best_us(known, ask, quick)
        costs[f"{name}, nothing known"] = _best_us(unknown, ask, quick)
        costs[f"{name}, a tenth resting"] = _best_us(resting, ask, quick)
    return costs


class World(NamedTuple):
    """1,000 models at three providers each, and what is known of them."""

    snapshot: Snapshot
    vitals: dict[str, Vitals]
    arms: dict[tuple[str, str], Arm]
    luck: Random

    def move_on(self) -> Moment:
        """A few attempts ended since the last decision, as they do in a gateway: each changes an offer and its arm."""
        luck = self.luck
        for _ in range(CHANGES if self.vitals else 0):
            name = luck.choice(self.snapshot.table.cheapest_first).name
            self.vitals[name] = replace(self.vitals[name], latency_ms=200 + luck.random() * 900)
            arm = self.arms[name, "small"]
            self.arms[name, "small"] = Arm(alpha=arm.alpha + 0.8, beta=arm.beta + 0.2)
        return a_moment(offers=self.vitals, arms=self.arms, chance=luck.getrandbits(64))


def a_large_world(share_known: float = 1.0, share_resting: float = 0.0) -> World:
    """Every offer has been called, or none has; some were asked for a pause."""
    luck = Random(7)
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
        offer.name: Vitals(
            samples=50,
            error_rate=number % 7 / 100,
            latency_ms=200.0 + number * 31 % 900,
            cooldown_until=1030.0 if luck.random() < share_resting else 0.0,
        )
        for number, offer in enumerate(offers)
        if luck.random() < share_known
    }
    arms = {(name, "small"): Arm(alpha=1 + luck.random() * 20, beta=1 + luck.random() * 6) for name in vitals}
    return World(a_snapshot(a_table(offers)), vitals, arms, luck)


def _best_us(world: World, ask: Ask, quick: bool) -> float:
    """Alone and without what the world needs to move on; no two decisions are about the same moment or ask."""
    times = []
    for number in range(60 if quick else 600):
        moment, asked = world.move_on(), replace(ask, input_tokens=10 + number % 700)
        start = thread_time()
        make_plan(world.snapshot, moment, asked)
        times.append(thread_time() - start)
    return median(times) * 1e6
