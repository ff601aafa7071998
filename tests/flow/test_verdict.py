"""A candidate is rolled back for what chance does not explain, promoted if it is as good, and waited for otherwise."""

import random
from typing import NamedTuple

import pytest

from gateway.domain.settings import Canary
from gateway.flow.trial import lot
from gateway.flow.verdict import Score, verdict

RULES = Canary(config="candidate.yaml", share=0.1)
EARLY, END, LAST = 60.0, 600.0, 1800.0


def a_score(
    requests: int, failed: int = 0, seconds: tuple[float, ...] = (1.0,), usd: tuple[float, ...] = (0.01,)
) -> Score:
    score = Score()
    for _ in range(failed):
        score.failed_once()
    for number in range(requests - failed):
        score.served(seconds[number % len(seconds)], usd[number % len(usd)])
    return score


class Case(NamedTuple):
    name: str
    current: Score
    candidate: Score
    elapsed_s: float
    move: str
    why: str


FINE = a_score(1000, 20, (0.8, 1.0, 1.3), (0.01, 0.02))
CASES = [
    Case("nothing yet", a_score(0), a_score(0), 0, "wait", "0 of 100 requests on the candidate"),
    Case("too few, though all fail", FINE, a_score(99, 99), END, "wait", "99 of 100"),
    Case("nobody to compare with", a_score(12), a_score(100), END, "wait", "12 of 30 requests on the running"),
    Case("equal, but early", FINE, a_score(200, 4, (0.8, 1.0, 1.3), (0.01, 0.02)), 60, "wait", "ends in 540 s"),
    Case("equal", FINE, a_score(200, 4, (0.8, 1.0, 1.3), (0.01, 0.02)), END, "promote", "errors 2.0% of 200"),
    Case("all fail, early", FINE, a_score(100, 100), EARLY, "roll back", "errors 100.0% of 100"),
    Case("twice the errors", a_score(2000, 100), a_score(500, 50), END, "roll back", "errors 10.0%"),
    Case("twice the errors, early", a_score(2000, 100), a_score(500, 50), EARLY, "wait", "ends in"),
    Case("many errors, early", a_score(2000, 100), a_score(800, 120), EARLY, "roll back", "2.0% more allowed"),
    Case("twice of next to nothing", a_score(10_000, 50), a_score(1000, 10), END, "promote", "errors 1.0%"),
    Case("in doubt", a_score(1000, 50), a_score(100, 8), END, "wait", "in doubt: errors 8.0%"),
    Case("in doubt to the last", a_score(1000, 50), a_score(100, 8), LAST, "promote", "errors 8.0%"),
    Case("likely worse at the last", a_score(1000, 50), a_score(300, 27), LAST, "roll back", "errors 9.0%"),
    Case("slow", FINE, a_score(200, 4, (1.6, 2.0, 2.6)), END, "roll back", "latency 2.02 s against 1.01 s, 2.00 times"),
    Case("a little slower", FINE, a_score(200, 4, (1.0, 1.2, 1.6), (0.01, 0.02)), END, "promote", "1.5 times allowed"),
    Case("one of them very slow", FINE, a_score(200, 4, (*[1.0] * 100, 60.0)), END, "promote", "latency"),
    Case("dear", FINE, a_score(200, 4, (0.8, 1.0, 1.3), (0.02, 0.04)), END, "roll back", "cost $0.0300"),
    Case("a little dearer", FINE, a_score(200, 4, (0.8, 1.0), (0.011, 0.021)), END, "promote", "cost $0.0160"),
    Case("dear where it was free", a_score(500, usd=(0.0,)), a_score(200), END, "roll back", "cost $0.01"),
    Case("free where it was dear", a_score(500), a_score(200, usd=(0.0,)), END, "promote", "cost $0.000000"),
    Case("always the same", a_score(500), a_score(200), END, "promote", "latency 1.00 s against 1.00 s"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_evidence_decides(case: Case) -> None:
    judgement = verdict(case.current, case.candidate, RULES, case.elapsed_s)
    assert (judgement.move, case.why in judgement.why) == (case.move, True), judgement


def test_where_the_candidate_gets_everything_it_is_measured_against_no_errors() -> None:
    rules = Canary(config="c.yaml", share=1.0)
    assert verdict(Score(), a_score(200, 2), rules, END).move == "promote"
    assert verdict(Score(), a_score(200, 20), rules, END).move == "roll back"


def outcome(seed: int, error_rate: float, twice: bool) -> str:
    """A whole trial: ten requests a second on one side, one on the other, judged every second."""
    chance = random.Random(seed)
    current, candidate = Score(), Score()
    for second in range(1, int(LAST) + 1):
        for score, count, rate in (
            (current, 9, error_rate),
            (candidate, 1, error_rate * (2 if twice else 1)),
        ):
            for _ in range(count):
                if chance.random() < rate:
                    score.failed_once()
                else:
                    score.served(chance.lognormvariate(0, 1), chance.lognormvariate(-5, 1))
        judgement = verdict(current, candidate, RULES, float(second))
        if judgement.move != "wait":
            return f"{judgement.move} {'in time' if second <= END else 'late'}"
    return "never"


def test_equal_ones_are_not_rolled_back_by_noise_and_bad_ones_do_not_get_through() -> None:
    equal = [outcome(seed, 0.02, twice=False) for seed in range(15)]
    worse = [outcome(seed, 0.10, twice=True) for seed in range(15)]
    assert set(equal) == {"promote in time"}
    assert worse.count("roll back in time") >= 14
    assert not any(one.startswith("promote") for one in worse)


def test_a_lot_is_fair_and_always_the_same() -> None:
    drawn = [lot(f"key-{number}") for number in range(4000)]
    assert drawn == [lot(f"key-{number}") for number in range(4000)]
    assert 0.08 < sum(one < 0.1 for one in drawn) / 4000 < 0.12
    assert all(0 <= one < 1 for one in drawn)
