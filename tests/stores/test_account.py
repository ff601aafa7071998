"""One key in memory: the pace is the textbook's, and whatever is kept from request to request is never out of date."""

from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.key import Key, Limits
from gateway.state.calendar import Calendar, month_start, next_month
from gateway.state.limits import Denial, Reservation, Spent
from gateway.state.money import nano_at_most, nano_of
from gateway.state.stores.memory import MemoryLimits

UNIX = 1_798_700_000.0  # 2026-12-31 06:53:20 UTC
NOW = 5000.0
EDGE = NOW + next_month(UNIX) - UNIX


def a_key(**limits: Any) -> Key:
    return Key(name="k", digests=(), scopes=frozenset(), limits=Limits(**limits))


def admitted(outcome: Reservation | Denial) -> Reservation:
    assert isinstance(outcome, Reservation), outcome
    return outcome


def textbook(arrival: float, now: float, amount: float, per_minute: int) -> float:
    """The generic cell rate algorithm: the arrival time once `amount` is taken; infinite while that may not be."""
    after = max(arrival, now) + amount * 60.0 / per_minute if 0 < per_minute >= amount else inf
    return inf if after - now - 60.0 > 1e-6 else after


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 120),
    st.integers(0, 10_000),
    st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(1, 11_000)), max_size=40),
)
def test_the_pace_is_the_textbooks(requests: int, tokens: int, taken: list[tuple[float, int]]) -> None:
    store, key = MemoryLimits(0.0, UNIX), a_key(requests_per_minute=requests, tokens_per_minute=tokens)
    now, requests_at, tokens_at = 1000.0, 0.0, 0.0
    for pause, paced in taken:
        now += pause
        after = textbook(requests_at, now, 1, requests), textbook(tokens_at, now, paced, tokens)
        outcome = store.reserve(key, paced, 0.0, now, UNIX)
        assert isinstance(outcome, Denial) == (inf in after)
        if isinstance(outcome, Denial):
            first = 0 if after[0] == inf else 1
            assert outcome.code == ("requests_per_minute", "tokens_per_minute")[first]
        else:
            requests_at, tokens_at = after
        account = store._accounts["k"]
        assert (account.requests_at, account.tokens_at) == pytest.approx((requests_at, tokens_at), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-10.0, 10.0), min_size=1, max_size=20))
def test_close_to_its_edges_a_month_is_asked_for_anew(seconds: list[float]) -> None:
    """The purse that is kept from the last request is the one that the calendar would name."""
    store, key, calendar = MemoryLimits(NOW, UNIX), a_key(monthly_tokens=10**9), Calendar(NOW, UNIX)
    for second in sorted(seconds):
        assert admitted(store.reserve(key, 1, 0.0, EDGE + second, UNIX)).month == calendar.month(EDGE + second)


def test_months_that_are_over_are_forgotten_once_nothing_runs_in_them() -> None:
    store, key = MemoryLimits(NOW, UNIX), a_key(monthly_tokens=10**9)
    for month in range(24):
        now = NOW + month * 31 * 86400.0
        store.settle(admitted(store.reserve(key, 1, 0.0, now, UNIX)), 1, 0.0)
    assert len(store._accounts["k"].purses) == 1


def test_a_request_from_before_the_edge_is_charged_to_its_own_purse_though_others_were_opened_since() -> None:
    store, key = MemoryLimits(NOW, UNIX), a_key(monthly_tokens=10**9)
    last = admitted(store.reserve(key, 1, 0.0, EDGE - 5, UNIX))
    first = admitted(store.reserve(key, 1, 0.0, EDGE + 5, UNIX))
    store.settle(last, 100, 0.0)
    store.settle(first, 7, 0.0)
    assert store.spent("k", EDGE + 5) == Spent(7, 0)
    assert store.spent("k", EDGE - 5) == Spent(100, 0)


def test_what_the_ledger_says_is_spent_is_bound_too() -> None:
    store, key = MemoryLimits(NOW, UNIX), a_key(monthly_tokens=1000)
    running = admitted(store.reserve(key, 400, 0.0, NOW, UNIX))
    store.restore([("k", "2026-12", Spent(500, 0))])
    assert isinstance(store.reserve(key, 101, 0.0, NOW, UNIX), Denial)
    store.release(running)
    admitted(store.reserve(key, 500, 0.0, NOW, UNIX))


def test_limits_that_were_lifted_and_set_again_count_what_ran_meanwhile() -> None:
    store, capped, free = MemoryLimits(NOW, UNIX), a_key(monthly_usd=1.0, concurrency=2), a_key()
    admitted(store.reserve(capped, 10, 0.4, NOW, UNIX))
    store.adopt(())
    store.settle(admitted(store.reserve(free, 10, 5.0, NOW, UNIX)), 10, 0.3)
    store.adopt(())
    assert isinstance(store.reserve(capped, 10, 0.4, NOW, UNIX), Denial)
    admitted(store.reserve(capped, 10, 0.2, NOW, UNIX))
    assert isinstance(store.reserve(capped, 0, 0.0, NOW, UNIX), Denial), "two at a time"


@pytest.mark.parametrize("usd", [0, 0.0, 1e-10, 0.4e-9, 0.5e-9, 1.5e-9, 2.5e-9, 1.0, 3, 12345.678901234, -1.0])
def test_a_coin_is_the_nearest_and_an_upper_bound_is_one(usd: float) -> None:
    assert nano_of(usd) == max(0, round(usd * 1_000_000_000))
    assert 0 <= nano_of(usd) <= nano_at_most(usd) + 1
    assert nano_at_most(usd) >= usd * 1e9 - 1e-3


def test_a_calendar_is_never_sure_of_a_month_that_is_not_now() -> None:
    calendar = Calendar(NOW, UNIX)
    since, until = calendar.span_of("2026-12")
    assert since < NOW < until < EDGE
    assert until - since < next_month(UNIX) - month_start("2026-12")
    assert calendar.span_of("2027-01") == calendar.span_of("2026-11") == (0.0, 0.0)
