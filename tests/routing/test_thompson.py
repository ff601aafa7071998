"""Arms: exact rewards, fading, and a world in which the better offer is found, lost and found again."""

from collections import Counter
from random import Random

import pytest

from gateway.domain.ask import Policy
from gateway.domain.moment import Arm
from gateway.routing.make_plan import make_plan
from gateway.routing.thompson import FAILED, bucket, fade, learn, reward
from tests.builders import a_moment, a_snapshot, a_table, an_ask, an_offer

HALF_LIFE_S = 3600.0
POLICY = Policy(mode="thompson", max_budget_usd=1.0, max_latency_ms=20_000, min_weight=0.0)


@pytest.mark.parametrize(
    ("tokens", "size"),
    [(0, "small"), (999, "small"), (1000, "medium"), (10_000, "medium"), (10_001, "large")],
)
def test_input_sizes_have_their_bucket(tokens: int, size: str) -> None:
    assert bucket(tokens) == size


@pytest.mark.parametrize(
    ("cost_usd", "latency_ms", "deadline_ms", "expected"),
    [
        (0.0, 0.0, 20_000, 1.0),
        (0.1, 20_000, 20_000, 0.4),
        (9.9, 99_000, 20_000, 0.4),
        (0.05, 5_000, 20_000, 0.4 + 0.15 + 0.225),
        (0.0, 500.0, 10.0, 0.85),
    ],
)
def test_rewards_are_exact(cost_usd: float, latency_ms: float, deadline_ms: float, expected: float) -> None:
    assert reward(cost_usd, latency_ms, deadline_ms) == pytest.approx(expected, abs=1e-12)


def test_what_was_learnt_halves_with_every_half_life() -> None:
    arm = Arm(alpha=9.0, beta=5.0)
    assert fade(arm, HALF_LIFE_S, HALF_LIFE_S) == Arm(alpha=5.0, beta=3.0)
    assert fade(arm, 2 * HALF_LIFE_S, HALF_LIFE_S) == Arm(alpha=3.0, beta=2.0)
    assert fade(arm, 0.0, HALF_LIFE_S) == arm
    assert learn(arm, 0.75, HALF_LIFE_S, HALF_LIFE_S) == Arm(alpha=5.75, beta=3.25)


class Market:
    """Two offers; each attempt teaches its arm, as serving does."""

    def __init__(self, failing: str) -> None:
        self.snapshot = a_snapshot(a_table([an_offer("m", "a"), an_offer("m", "b")]))
        self.arms = {("a/m", "small"): Arm(), ("b/m", "small"): Arm()}
        self.failing = failing
        self.luck = Random(11)

    def serve(self, requests: int, seconds: float) -> Counter[str]:
        """How often each offer was the first choice, of requests that are so far apart."""
        first: Counter[str] = Counter()
        for _ in range(requests):
            moment = a_moment(chance=self.luck.getrandbits(64), arms=self.arms)
            plan = make_plan(self.snapshot, moment, an_ask(None, policy=POLICY))
            first[plan.steps[0].offer.name] += 1
            for step in plan.steps:
                name = step.offer.name
                failed = name == self.failing and self.luck.random() < 0.5
                got = FAILED if failed else reward(step.cost_usd, 300.0, 20_000)
                self.arms = {
                    key: learn(arm, got, seconds, HALF_LIFE_S) if key[0] == name else fade(arm, seconds, HALF_LIFE_S)
                    for key, arm in self.arms.items()
                }
                if not failed:
                    break
        return first


def test_the_good_offer_gets_its_traffic_and_roles_may_swap() -> None:
    market = Market(failing="b/m")
    market.serve(100, 1.0)
    settled = market.serve(200, 1.0)
    assert settled["a/m"] / settled.total() > 0.9
    market.failing = "a/m"
    market.serve(200, 2 * HALF_LIFE_S / 200)
    swapped = market.serve(200, 1.0)
    assert swapped["b/m"] / swapped.total() > 0.8


def test_the_dice_are_thrown_before_planning() -> None:
    snapshot = a_snapshot(a_table([an_offer("m", name) for name in "abcdef"]))
    ask = an_ask(None, policy=POLICY)
    lines = {
        chance: [step.draw for step in make_plan(snapshot, a_moment(chance=chance), ask).steps] for chance in range(20)
    }
    assert all(
        draws == [step.draw for step in make_plan(snapshot, a_moment(chance=c), ask).steps]
        for c, draws in lines.items()
    )
    assert len({tuple(draws) for draws in lines.values()}) == 20
    assert all(draws == sorted(draws, reverse=True) for draws in lines.values())
