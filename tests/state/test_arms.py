"""Arms: what they learn, how it fades, and that it outlives the process."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.moment import Arm
from gateway.routing.thompson import learn
from gateway.state.arms import Arms, read_arms
from gateway.state.kept_file import read_or_set_aside, write_whole

HALF_LIFE_S = 3600.0


def test_a_reward_adds_to_both_sides_of_an_arm() -> None:
    arms = Arms(HALF_LIFE_S)
    arms.teach("a/m", "small", 0.75, 10.0)
    arm = arms.view["a/m", "small"]
    assert (arm.alpha, arm.beta) == (1.75, 1.25)


def test_what_was_learnt_loses_half_its_weight_every_half_life_without_being_taught() -> None:
    arms = Arms(HALF_LIFE_S)
    for _ in range(8):
        arms.teach("a/m", "small", 1.0, 0.0)
    arms.tick(HALF_LIFE_S)
    assert arms.view["a/m", "small"].alpha == pytest.approx(5.0)
    arms.teach("b/m", "small", 1.0, 2 * HALF_LIFE_S)
    assert arms.view["a/m", "small"].alpha == pytest.approx(3.0)


def test_the_view_shows_what_was_learnt_and_keeps_the_values_of_arms_that_learnt_nothing() -> None:
    arms = Arms(HALF_LIFE_S)
    arms.teach("a/m", "small", 1.0, 0.0)
    arms.teach("b/m", "small", 1.0, 0.0)
    view = arms.view
    before = dict(view)
    arms.teach("b/m", "small", 0.0, 0.0)
    arms.teach("c/m", "large", 0.5, 0.0)
    assert list(view) == [("a/m", "small"), ("b/m", "small"), ("c/m", "large")]
    assert view["a/m", "small"] is before["a/m", "small"]
    assert (view["b/m", "small"].alpha, view["b/m", "small"].beta) == (2.0, 2.0)
    assert view.get(("d/m", "small")) is None
    assert [arm.beta for arm in view.values()] == [1.0, 2.0, 1.5]
    arms.adopt(HALF_LIFE_S, ["c/m"], 0.0)
    assert list(view) == [("c/m", "large")]


def test_the_good_offer_wins_and_a_swap_of_roles_is_relearnt_within_two_half_lives() -> None:
    arms, dice, now = Arms(HALF_LIFE_S), random.Random(5), 0.0
    works = {"good/m": 1.0, "bad/m": 0.5}

    def drive(count: int, seconds: float) -> list[str]:
        nonlocal now
        chosen = []
        for _ in range(count):
            now += seconds
            draws = {
                name: dice.betavariate(arm.alpha, arm.beta)
                if (arm := arms.view.get((name, "small")))
                else dice.random()
                for name in works
            }
            name = max(draws, key=lambda each: draws[each])
            arms.teach(name, "small", 0.9 if dice.random() < works[name] else 0.0, now)
            chosen.append(name)
        return chosen

    assert drive(300, 1.0)[-200:].count("good/m") > 180
    works = {"good/m": 0.5, "bad/m": 1.0}
    assert drive(720, 10.0)[-100:].count("bad/m") > 80


def test_arms_survive_a_restart_faded_by_the_time_in_between(tmp_path: Path) -> None:
    arms = Arms(HALF_LIFE_S)
    for _ in range(8):
        arms.teach("a/m", "small", 1.0, 50.0)
    write_whole(tmp_path / "arms.json", arms.dump(50.0, 1_000_000.0))
    saved = read_or_set_aside(tmp_path / "arms.json", read_arms, 0.0)
    assert saved is not None
    again = Arms(HALF_LIFE_S)
    again.restore(saved, 3.0, 1_000_000.0 + HALF_LIFE_S)
    assert again.view["a/m", "small"].alpha == pytest.approx(5.0)
    set_back = Arms(HALF_LIFE_S)
    set_back.restore(saved, 3.0, 999_000.0)
    assert set_back.view["a/m", "small"].alpha == pytest.approx(9.0)


SPOILT = {
    "cut short": b'{"version":1,"unix":1.0,"arms":[{"of',
    "not JSON": b"\xff\xfe",
    "of a later layout": b'{"version":2,"unix":1.0,"arms":[]}',
    "with a bad arm": b'{"version":1,"unix":1,"arms":[{"offer":"a","bucket":"b","alpha":-1,"beta":1,"rewards":1}]}',
    "of another shape": b"[]",
}


@pytest.mark.parametrize("data", SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_file_is_kept_aside_and_reported(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "arms.json"
    path.write_bytes(data)
    assert read_or_set_aside(path, read_arms, 77.0) is None
    assert (tmp_path / "arms.json.corrupt-77").read_bytes() == data
    assert not path.exists()
    assert "arms.json.corrupt-77" in caplog.text


def test_arms_survive_a_reload_by_name() -> None:
    arms = Arms(HALF_LIFE_S)
    arms.teach("a/m", "small", 1.0, 0.0)
    arms.teach("gone/m", "small", 1.0, 0.0)
    arms.adopt(HALF_LIFE_S, ["a/m"], 0.0)
    assert [(row.offer, row.rewards) for row in arms.listing(0.0)] == [("a/m", 1)]


def test_two_processes_learn_from_each_other() -> None:
    mine, yours = Arms(HALF_LIFE_S), Arms(HALF_LIFE_S)
    mine.teach("a/m", "small", 0.5, 0.0)
    mine.teach("a/m", "small", 1.0, 0.0)
    yours.learn_from_others(mine.take_lessons(), 0.0)
    assert yours.view["a/m", "small"] == mine.view["a/m", "small"]
    assert mine.take_lessons() == ()
    assert yours.take_lessons() == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 2 * HALF_LIFE_S), st.floats(0.0, 1.0)), min_size=1, max_size=30))
def test_an_arm_learns_lesson_by_lesson_what_the_planner_says_it_learns(lessons: list[tuple[float, float]]) -> None:
    """Nothing is forgotten or faded twice, whoever looks in between."""
    arms, arm, now = Arms(HALF_LIFE_S), Arm(), 1000.0
    for pause, won in lessons:
        now += pause
        arms.teach("a/m", "small", won, now)
        arm = learn(arm, won, pause if arm != Arm() else 0.0, HALF_LIFE_S)
        view = arms.view["a/m", "small"]
        assert (view.alpha, view.beta) == pytest.approx((arm.alpha, arm.beta))
    assert arms.listing(now)[0].rewards == len(lessons)
