"""Turns: exact proportions, evenly spread, from a counter alone."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.make_plan import make_plan
from gateway.routing.rotation import rotate
from tests.builders import a_moment, a_snapshot, a_table, an_ask, an_offer
from tests.routing.worlds import an_alias


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=6).filter(any), st.integers(0, 3))
def test_each_cycle_gives_each_its_weight_exactly(weights: list[int], cycle: int) -> None:
    total = sum(weights)
    turns = Counter(rotate(weights, turn)[0] for turn in range(cycle * total, (cycle + 1) * total))
    assert [turns[index] for index in range(len(weights))] == weights


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_turns_are_counted_and_spread(weights: list[int]) -> None:
    had = [0] * len(weights)
    total = sum(weights)
    for turn in range(2 * total):
        index, before = rotate(weights, turn)
        assert before == had[index]
        had[index] += 1
        for other, weight in enumerate(weights):
            assert abs(had[other] - (turn + 1) * weight / total) < len(weights)


@pytest.mark.parametrize(
    ("weights", "line"),
    [
        ((1, 1, 1), "abcabc"),
        ((2, 1), "abaaba"),
        ((5, 1, 1), "aaabcaa"),
        ((0.5, 0.25), "abaaba"),
        ((0, 1), "bbbb"),
        ((0, 0), "abab"),
        ((1,), "aaa"),
        ((0.001, 0.999), "b" * 499),
    ],
)
def test_known_lines(weights: tuple[float, ...], line: str) -> None:
    assert "".join("abc"[rotate(weights, turn)[0]] for turn in range(len(line))) == line


def test_a_rotation_over_many_uneven_offers_stays_exact() -> None:
    weights = [1 + index % 7 for index in range(300)]
    turns = Counter(rotate(weights, turn)[0] for turn in range(sum(weights)))
    assert [turns[index] for index in range(300)] == weights


def test_round_robin_offers_get_their_share_of_first_places() -> None:
    offers = [an_offer(provider="a", share=3.0), an_offer(provider="b", share=1.0), an_offer(provider="c", share=2.0)]
    snapshot = a_snapshot(a_table(offers))
    ask = an_ask(strategy="round-robin")
    plans = [make_plan(snapshot, a_moment(turns={"gpt-4o": turn}), ask) for turn in range(60)]
    assert Counter(plan.steps[0].offer.provider for plan in plans) == {"a": 30, "b": 10, "c": 20}
    assert {plan.turn for plan in plans} == {"gpt-4o"}
    assert all({step.offer.provider for step in plan.steps} == {"a", "b", "c"} for plan in plans)


def test_a_round_robin_split_over_round_robin_models_uses_one_counter_for_both() -> None:
    offers = [an_offer(model, provider) for model in ("m", "n") for provider in ("a", "b")]
    split = an_alias("both", {"split": {"m": 2, "n": 2}, "sticky_by": "round-robin"})
    snapshot = a_snapshot(a_table(offers, aliases={"both": split}))
    ask = an_ask("both", strategy="round-robin")
    firsts = [make_plan(snapshot, a_moment(turns={"both": turn}), ask).steps[0].offer.name for turn in range(400)]
    assert set(Counter(firsts).values()) == {100}


@pytest.mark.parametrize("sticky_by", ["request", "key"])
def test_sticky_splits_come_near_their_proportions_and_never_move(sticky_by: str) -> None:
    split = an_alias("canary", {"split": {"m": 95, "n": 5}, "sticky_by": sticky_by})
    snapshot = a_snapshot(a_table([an_offer("m"), an_offer("n")], aliases={"canary": split}))
    served = [
        make_plan(snapshot, a_moment(turns={"canary": turn}), an_ask("canary", request_id=f"request-{turn}"))
        for turn in range(4000)
    ]
    share = Counter(plan.steps[0].offer.model for plan in served)["n"] / 4000
    assert 0.035 < share < 0.065
    again = make_plan(snapshot, a_moment(chance=9), an_ask("canary", request_id="request-7"))
    assert again.steps[0].offer == served[7].steps[0].offer
    assert all(plan.turn is None for plan in served)
