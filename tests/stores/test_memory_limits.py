"""Limits in memory: what is refused, with which words; months; and that every end counts once."""

import asyncio
from typing import Any

import pytest

from gateway.domain.key import Key, Limits
from gateway.state.limits import Denial, Gauge, Reservation, Spent, Standing
from gateway.state.stores.memory import MemoryLimits

UNIX = 1_798_700_000.0  # 2026-12-31 06:53:20 UTC
NOW = 5000.0


def a_key(name: str = "web-app", **limits: Any) -> Key:
    return Key(name=name, digests=(), scopes=frozenset(), limits=Limits(**limits))


def a_store(**more: Any) -> MemoryLimits:
    return MemoryLimits(NOW, UNIX, **more)


def admitted(outcome: Reservation | Denial) -> Reservation:
    assert isinstance(outcome, Reservation), outcome
    return outcome


def denied(outcome: Reservation | Denial) -> Denial:
    assert isinstance(outcome, Denial)
    return outcome


REFUSED = {
    "requests": ({"requests_per_minute": 1}, "requests_per_minute", "rate_limited", 60),
    "tokens": ({"tokens_per_minute": 1500}, "tokens_per_minute", "rate_limited", 20),
    "at a time": ({"concurrency": 1}, "concurrency", "rate_limited", 1),
    "a month's tokens": ({"monthly_tokens": 1999}, "monthly_tokens", "over_limit", None),
    "a month's money": ({"monthly_usd": 1.99}, "monthly_spend", "over_limit", None),
}


@pytest.mark.parametrize(("limits", "code", "kind", "retry_s"), REFUSED.values(), ids=REFUSED.keys())
def test_the_second_of_two_requests_is_refused(
    limits: dict[str, Any], code: str, kind: str, retry_s: float | None
) -> None:
    store, key = a_store(), a_key(**limits)
    admitted(store.reserve(key, 1000, 1.0, NOW, UNIX))
    denial = denied(store.reserve(key, 1000, 1.0, NOW, UNIX))
    assert (denial.code, denial.kind) == (code, kind)
    assert denial.retry_after_s == pytest.approx(retry_s)
    assert store.in_flight(key.name) == 1


HOPELESS = {
    "no price": ({"monthly_usd": 10.0}, 1000, None, "monthly_spend"),
    "more than a minute holds": ({"tokens_per_minute": 999}, 1000, 1.0, "tokens_per_minute"),
    "none allowed": ({"requests_per_minute": 0}, 1000, 1.0, "requests_per_minute"),
    "nobody at a time": ({"concurrency": 0}, 1000, 1.0, "concurrency"),
    "no budget": ({"monthly_usd": 0.0}, 1000, 0.001, "monthly_spend"),
}


@pytest.mark.parametrize(("limits", "tokens", "usd", "code"), HOPELESS.values(), ids=HOPELESS.keys())
def test_what_no_waiting_cures(limits: dict[str, Any], tokens: int, usd: float | None, code: str) -> None:
    denial = denied(a_store().reserve(a_key(**limits), tokens, usd, NOW, UNIX))
    assert denial.code == code
    assert denial.retry_after_s is None or denial.retry_after_s <= 60


def test_a_key_without_a_budget_may_use_a_model_without_a_price() -> None:
    admitted(a_store().reserve(a_key(requests_per_minute=5), 10, None, NOW, UNIX))


def test_n15_a_rate_is_exact_at_once_and_over_time() -> None:
    store, key = a_store(), a_key(requests_per_minute=100)
    assert sum(isinstance(store.reserve(key, 1, 0.0, NOW, UNIX), Reservation) for _ in range(2700)) == 100
    passed = sum(
        isinstance(store.reserve(key, 1, 0.0, NOW + step / 50, UNIX), Reservation) for step in range(1, 50 * 300 + 1)
    )
    assert passed == 500


def test_tokens_that_were_not_used_flow_back_and_more_is_owed() -> None:
    store, key = a_store(), a_key(tokens_per_minute=6000)
    first = admitted(store.reserve(key, 6000, 0.0, NOW, UNIX))
    store.settle(first, 1000, 0.0)
    assert store.standing(key, NOW, UNIX) == Standing(None, Gauge(6000, 5000, int(UNIX) + 10))
    second = admitted(store.reserve(key, 5000, 0.0, NOW, UNIX))
    store.settle(second, 11_000, 0.0)
    assert denied(store.reserve(key, 1, 0.0, NOW, UNIX)).retry_after_s == pytest.approx(60.01)


def test_standing_is_told_for_the_limits_a_key_has() -> None:
    store, key = a_store(), a_key(requests_per_minute=60, tokens_per_minute=600)
    store.reserve(key, 100, 0.0, NOW, UNIX)
    assert store.standing(key, NOW, UNIX) == Standing(Gauge(60, 59, int(UNIX) + 1), Gauge(600, 500, int(UNIX) + 10))
    assert store.standing(a_key(concurrency=4), NOW, UNIX) is None


@pytest.mark.parametrize("requests", [None, 60])
@pytest.mark.parametrize("tokens", [None, 600])
def test_the_numbers_of_a_standing_are_told_bare(requests: int | None, tokens: int | None) -> None:
    store, key = a_store(), a_key(requests_per_minute=requests, tokens_per_minute=tokens)
    for later in (NOW, NOW + 0.3, NOW + 600):
        standing = store.standing(key, later, UNIX)
        gauges = [] if standing is None else [each for each in (standing.requests, standing.tokens) if each]
        bare = [number for gauge in gauges for number in (gauge.remaining, gauge.reset_unix)]
        assert store.rates_left(key, later, UNIX) == tuple(bare)
        store.reserve(key, 100, 0.0, NOW, UNIX)


def test_what_remains_of_a_huge_rate_is_never_more_than_the_rate() -> None:
    store, key = a_store(), a_key(tokens_per_minute=10**12)
    assert store.standing(key, NOW, UNIX) == Standing(None, Gauge(10**12, 10**12, int(UNIX)))


def test_d19_more_than_was_set_aside_is_recorded_in_full() -> None:
    store, key = a_store(), a_key(monthly_usd=1.0, monthly_tokens=10_000)
    store.settle(admitted(store.reserve(key, 10, 0.5, NOW, UNIX)), 25_000, 7.25)
    assert store.spent(key.name, NOW) == Spent(25_000, 7_250_000_000)
    denial = denied(store.reserve(a_key(monthly_usd=1.0), 1, 0.0, NOW, UNIX))
    assert dict(denial.facts) == {"budget_usd": 1.0, "spent_usd": 7.25}


def test_nothing_negative_is_ever_charged_and_no_end_counts_twice() -> None:
    store, key = a_store(), a_key(monthly_usd=10.0, concurrency=5)
    one = admitted(store.reserve(key, 10, 0.5, NOW, UNIX))
    store.settle(one, -5, -3.0)
    store.settle(one, 100, 1.0)
    store.release(one)
    two = admitted(store.reserve(key, 10, 0.5, NOW, UNIX))
    store.release(two)
    store.settle(two, 100, 1.0)
    assert store.spent(key.name, NOW) == Spent(0, 0)
    assert store.in_flight(key.name) == 0


def test_d20_a_lease_is_given_up_after_twice_its_deadline_and_a_late_end_is_charged() -> None:
    store, key = a_store(), a_key(monthly_usd=1.0, concurrency=1)
    lost = admitted(store.reserve(key, 10, 1.0, NOW, UNIX, deadline_s=30.0))
    assert store.expire(NOW + 59.9) == 0
    assert store.expire(NOW + 60.0) == 1
    again = admitted(store.reserve(key, 10, 1.0, NOW + 60, UNIX))
    store.settle(lost, 10, 0.25)
    store.settle(again, 10, 0.25)
    assert store.spent(key.name, NOW) == Spent(20, 500_000_000)
    assert store.in_flight(key.name) == 0


def test_z04_a_request_over_the_month_edge_is_charged_to_the_month_of_its_admission() -> None:
    store, key = a_store(), a_key(monthly_usd=1.0)
    edge = NOW + (1_798_761_600.0 - UNIX)
    last = admitted(store.reserve(key, 10, 1.0, edge - 1, UNIX))
    assert isinstance(store.reserve(key, 10, 0.1, edge - 1, UNIX), Denial)
    first = admitted(store.reserve(key, 10, 1.0, edge, UNIX))
    assert (last.month, first.month) == ("2026-12", "2027-01")
    store.settle(last, 10, 5.0)
    assert store.spent(key.name, edge) == Spent(0, 0)
    assert isinstance(store.reserve(key, 10, 0.1, edge, UNIX), Denial)


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0, 40 * 86400.0])
def test_n41_a_jump_of_the_wall_clock_opens_no_limit(jump_s: float) -> None:
    store, key = a_store(), a_key(monthly_usd=1.0, requests_per_minute=1)
    store.settle(admitted(store.reserve(key, 10, 1.0, NOW, UNIX)), 10, 1.0)
    assert denied(store.reserve(key, 0, 0.0, NOW + 1, UNIX + jump_s)).code == "requests_per_minute"
    assert denied(store.reserve(key, 10, 0.1, NOW + 70, UNIX + jump_s)).code == "monthly_spend"
    assert store.calendar.skew_s(NOW + 70, UNIX + jump_s) == pytest.approx(jump_s - 70)


def test_spending_survives_a_restart_by_the_ledger() -> None:
    store, key = a_store(), a_key(monthly_usd=1.0)
    store.restore([(key.name, "2026-12", Spent(5, 900_000_000)), (key.name, "2026-11", Spent(5, 9_000_000_000))])
    assert denied(store.reserve(key, 10, 0.2, NOW, UNIX)).code == "monthly_spend"
    admitted(store.reserve(key, 10, 0.1, NOW, UNIX))


def test_a_changed_limit_holds_from_the_next_request() -> None:
    store = a_store()
    store.settle(admitted(store.reserve(a_key(), 10, 3.0, NOW, UNIX)), 10, 3.0)
    assert denied(store.reserve(a_key(monthly_usd=3.0), 10, 0.1, NOW, UNIX)).code == "monthly_spend"
    admitted(store.reserve(a_key(monthly_usd=4.0), 10, 0.1, NOW, UNIX))


def test_a_share_of_a_cap_is_told_once() -> None:
    store, key = a_store(shares=(0.8, 1.0)), a_key(monthly_usd=10.0)
    late = [admitted(store.reserve(key, 0, 0.0, NOW, UNIX, deadline_s=0.0)) for _ in range(6)]
    assert store.expire(NOW) == 6
    told = []
    for reservation, usd in zip(late, (7.9, 0.05, 0.05, 1.0, 2.0, 1.0), strict=True):
        told.append([alert.share for alert in store.settle(reservation, 1, usd)])
    assert told == [[], [], [0.8], [], [1.0], []]


def test_the_shared_question_is_answered_here_too() -> None:
    assert isinstance(asyncio.run(a_store().ask(a_key(), 1, 0.0, NOW, UNIX)), Reservation)


def test_a_rate_sets_aside_what_is_likely_and_a_cap_what_is_possible() -> None:
    store, key = a_store(), a_key(tokens_per_minute=1000, monthly_tokens=5000)
    one = admitted(store.reserve(key, 4000, 0.0, NOW, UNIX, paced=600))
    assert store.standing(key, NOW, UNIX) == Standing(None, Gauge(1000, 400, int(UNIX) + 36))
    assert denied(store.reserve(key, 2000, 0.0, NOW, UNIX, paced=100)).code == "monthly_tokens"
    store.settle(one, 100, 0.0)
    assert store.standing(key, NOW, UNIX) == Standing(None, Gauge(1000, 900, int(UNIX) + 6))
    admitted(store.reserve(key, 2000, 0.0, NOW, UNIX, paced=100))


def test_what_a_key_used_before_it_got_a_cap_counts() -> None:
    store = a_store()
    store.charge(a_key(), NOW, 10, 2.5)
    assert denied(store.reserve(a_key(monthly_usd=3.0), 10, 0.6, NOW, UNIX)).code == "monthly_spend"
    admitted(store.reserve(a_key(monthly_usd=3.0), 10, 0.4, NOW, UNIX))


def test_z04_an_unlimited_request_over_the_month_edge_is_charged_to_the_month_of_its_admission() -> None:
    store = a_store()
    edge = NOW + (1_798_761_600.0 - UNIX)
    store.charge(a_key(), edge + 1, 1, 0.1)
    store.charge(a_key(), edge - 1, 1, 5.0)
    assert store.spent("web-app", edge + 1) == Spent(1, 100_000_000)
