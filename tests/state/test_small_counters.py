"""The retry budget, the turns and the dice."""

import pytest

from gateway.state.dice import Dice
from gateway.state.retry_budget import RetryBudget
from gateway.state.turns import Turns


@pytest.mark.parametrize("per_s", [100, 1000])
def test_n21_at_full_failure_retries_stay_within_the_share_and_three_a_second(per_s: int) -> None:
    budget, retries, requests = RetryBudget(0.1), 0, 20 * per_s
    for index in range(requests):
        now = 50.0 + index / per_s
        budget.note_request(now)
        retries += budget.may_retry(now)
    assert retries <= 0.1 * requests + 3 * 20 + 3
    assert retries >= 0.1 * requests


def test_quiet_times_may_retry_a_little() -> None:
    budget = RetryBudget(0.1)
    budget.note_request(10.0)
    assert [budget.may_retry(10.0) for _ in range(4)] == [True, True, True, False]
    assert budget.may_retry(10.4)


def test_o07_what_was_earned_is_worth_nothing_after_ten_seconds() -> None:
    budget = RetryBudget(0.1)
    for _ in range(1000):
        budget.note_request(10.0)
    assert sum(budget.may_retry(19.9) for _ in range(200)) == 103
    for _ in range(1000):
        budget.note_request(20.0)
    assert sum(budget.may_retry(30.5) for _ in range(200)) == 3


def test_turns_count_by_name_and_the_view_is_read_only() -> None:
    turns = Turns()
    turns.took("smart")
    turns.took("smart")
    assert dict(turns.view) == {"smart": 2}
    with pytest.raises(TypeError):
        turns.view["smart"] = 0  # type: ignore[index]


def test_seeded_dice_repeat() -> None:
    assert [Dice(7).roll() for _ in range(2)] == [Dice(7).roll()] * 2
    assert 0 <= Dice().luck() < 1
