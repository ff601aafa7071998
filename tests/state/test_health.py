"""Health: what counts, against whom, when a circuit opens, and how it closes again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.moment import Vitals
from gateway.domain.settings import HealthRules
from gateway.domain.trail import Failure
from gateway.state.health import Health
from gateway.state.window import Latencies, Window

OFFER, PROVIDER = "openai/gpt-4o", "openai"


def a_failure(**more: Any) -> Failure:
    return Failure(**({"kind": "transient", "code": "upstream_error", "message": "It failed."} | more))


class Bedside:
    """A health with a clock in the hand."""

    def __init__(self, **rules: Any) -> None:
        self.health = Health(HealthRules(**rules))
        self.now = 1000.0

    def attempt(self, failure: Failure | None = None, *, ms: float = 100.0, takes_s: float = 0.0) -> None:
        started = self.begin()
        self.now += takes_s
        self.end(started, failure, ms=ms)

    def begin(self) -> float:
        self.health.note_start(OFFER, PROVIDER, self.now)
        return self.now

    def end(self, started: float, failure: Failure | None = None, *, ms: float | None = 100.0) -> None:
        self.health.note_end(OFFER, PROVIDER, self.now, ms, failure, started)

    @property
    def offer(self) -> Vitals:
        return self.health.offers[OFFER]

    @property
    def provider(self) -> Vitals:
        return self.health.providers[PROVIDER]

    @property
    def resting(self) -> dict[str, Vitals]:
        return dict(self.health.look(self.now)[1])

    def open(self, vitals: Vitals) -> bool:
        return vitals.open_until > self.now


COUNTS = {
    "a broken answer counts against the offer": (a_failure(), 1 / 6, 0.0),
    "a dead provider counts against both": (a_failure(blame="provider"), 1 / 6, 1 / 6),
    "nobody is blamed for a caller's mistake": (a_failure(kind="bad_request", blame="nobody"), 0.0, 0.0),
    "a mistake never counts, whatever the dialect says": (a_failure(kind="bad_request"), 0.0, 0.0),
    "an overlong input never counts": (a_failure(kind="context_overflow"), 0.0, 0.0),
    "our own shortage never counts": (a_failure(blame="nobody"), 0.0, 0.0),
    "a rate limit shows in the rate": (a_failure(kind="rate_limited"), 1 / 6, 0.0),
}


@pytest.mark.parametrize(("failure", "offer_rate", "provider_rate"), COUNTS.values(), ids=COUNTS.keys())
def test_who_a_failure_counts_against(failure: Failure, offer_rate: float, provider_rate: float) -> None:
    bed = Bedside()
    bed.attempt(failure)
    assert bed.offer.error_rate == pytest.approx(offer_rate)
    assert bed.provider.error_rate == pytest.approx(provider_rate)


OPENS = {
    "five in a row open": ("fffff", {}, True),
    "four do not": ("ffff", {}, False),
    "a success in between starts again": ("ffffsffff", {}, False),
    "half of twenty open": ("sf" * 10, {}, True),
    "half of nineteen do not": ("sf" * 9 + "s", {}, False),
    "a third of thirty does not": ("sfs" * 10, {}, False),
    "callers' mistakes never open": ("c" * 100, {}, False),
    "rate limits never open": ("l" * 100, {}, False),
    "callers' mistakes do not break a row": ("ffcffcf", {}, True),
    "rules may be stricter": ("ff", {"open_after": 2}, True),
}
LETTERS = {
    "f": a_failure(),
    "s": None,
    "c": a_failure(kind="bad_request", blame="nobody"),
    "l": a_failure(kind="rate_limited"),
}


@pytest.mark.parametrize(("story", "rules", "opens"), OPENS.values(), ids=OPENS.keys())
def test_when_a_circuit_opens(story: str, rules: dict[str, Any], opens: bool) -> None:
    bed = Bedside(**rules)
    for letter in story:
        bed.now += 0.1
        bed.attempt(LETTERS[letter])
    assert bed.open(bed.offer) is opens
    assert not bed.open(bed.provider)


def test_failures_spread_over_more_than_ten_seconds_do_not_open_by_their_share() -> None:
    bed = Bedside()
    for letter in "sf" * 30:
        bed.now += 1.0
        bed.attempt(LETTERS[letter])
    assert not bed.open(bed.offer)


def test_the_fault_of_a_provider_opens_the_provider_and_not_its_offers() -> None:
    bed = Bedside()
    for _ in range(5):
        bed.attempt(a_failure(blame="provider"))
    assert bed.open(bed.provider)
    assert not bed.open(bed.offer)


def an_open_bed(**rules: Any) -> Bedside:
    bed = Bedside(**rules)
    for _ in range(5):
        bed.attempt(a_failure())
    return bed


def test_a_half_open_circuit_admits_one_trial_and_closes_when_it_works() -> None:
    bed = an_open_bed()
    assert bed.offer.open_until == bed.now + 30
    bed.now += 30
    assert bed.offer.trials_left == 1
    started = bed.begin()
    assert bed.offer.trials_left == 0
    bed.end(started)
    assert bed.offer.open_until == 0.0


def test_a_failing_trial_opens_again_for_twice_as_long_up_to_five_minutes() -> None:
    bed = an_open_bed()
    waits = []
    for _ in range(6):
        bed.now = bed.offer.open_until
        bed.attempt(a_failure())
        waits.append(bed.offer.open_until - bed.now)
    assert waits == [60, 120, 240, 300, 300, 300]


def test_a_circuit_that_fails_again_soon_after_closing_goes_on_growing_and_forgets_after_a_quiet_window() -> None:
    bed = an_open_bed()
    for pause, expected in ((1.0, 60), (61.0, 30)):
        bed.now = bed.offer.open_until
        bed.attempt()
        bed.now += pause
        for _ in range(5):
            bed.attempt(a_failure())
        assert bed.offer.open_until - bed.now == expected


def test_stragglers_from_before_the_opening_decide_nothing() -> None:
    bed = Bedside()
    stream, doomed = bed.begin(), bed.begin()
    bed.now += 0.1
    for _ in range(5):
        bed.attempt(a_failure())
    until = bed.offer.open_until
    bed.now += 31
    trial = bed.begin()
    bed.end(stream)
    bed.end(doomed, a_failure())
    assert (bed.offer.open_until, bed.offer.trials_left) == (until, 0)
    bed.end(trial)
    assert bed.offer.open_until == 0.0


def test_a_trial_that_ends_without_a_verdict_gives_its_place_back() -> None:
    bed = an_open_bed()
    bed.now += 30
    bed.attempt(a_failure(kind="bad_request", blame="nobody"))
    assert bed.offer.trials_left == 1
    assert bed.offer.open_until != 0.0


def test_a_last_resort_that_fails_does_not_lengthen_the_wait() -> None:
    bed = an_open_bed()
    until = bed.offer.open_until
    bed.now += 1
    bed.attempt(a_failure())
    assert bed.offer.open_until == until


def test_planning_hears_of_the_providers_that_something_stands_against() -> None:
    bed = Bedside()
    bed.attempt()
    assert bed.resting == {}
    bed.attempt(a_failure(blame="provider", retry_after_s=4))
    assert bed.resting == {PROVIDER: bed.provider}
    bed.now += 4
    assert bed.resting == {}
    for _ in range(4):
        bed.attempt(a_failure(blame="provider"))
    bed.now += 30
    started = bed.begin()
    assert bed.resting[PROVIDER].trials_left == 0
    bed.end(started)
    assert bed.resting == {}


def test_a_provider_that_is_gone_rests_no_more_and_a_twin_begins_without_its_rest() -> None:
    bed = Bedside()
    bed.attempt(a_failure(blame="provider", cooldown_s=60))
    assert set(bed.resting) == {PROVIDER}
    twin = bed.health.twin(HealthRules(), [OFFER], [PROVIDER])
    assert dict(twin.look(bed.now)[1]) == {}
    assert twin.providers[PROVIDER].samples == 1
    bed.health.adopt(HealthRules(), [])
    assert bed.resting == {}


COOLDOWNS = {
    "the wish of the provider": (a_failure(kind="rate_limited", retry_after_s=7), 7),
    "clamped to a minute": (a_failure(kind="rate_limited", retry_after_s=86_400), 60),
    "clamped at zero": (a_failure(kind="rate_limited", retry_after_s=-5), 0),
    "a second where none is said": (a_failure(kind="rate_limited"), 1),
    "an explicit rest is kept in full": (a_failure(kind="refused", cooldown_s=3600), 3600),
    "a wish on a 503 too": (a_failure(retry_after_s=4), 4),
    "none for a plain failure": (a_failure(), 0),
    "none where nobody is blamed": (a_failure(kind="bad_request", blame="nobody", retry_after_s=9), 0),
}


@pytest.mark.parametrize(("failure", "rest_s"), COOLDOWNS.values(), ids=COOLDOWNS.keys())
def test_how_long_an_offer_rests(failure: Failure, rest_s: float) -> None:
    bed = Bedside()
    bed.attempt(failure)
    assert max(0.0, bed.offer.cooldown_until - bed.now) == rest_s


def test_rate_limits_without_a_wish_double_until_something_works() -> None:
    bed = Bedside()
    rests = []
    for failure in (a_failure(kind="rate_limited"),) * 3 + (None, a_failure(kind="rate_limited")):
        bed.now += 100
        bed.attempt(failure)
        rests.append(bed.offer.cooldown_until - bed.now)
    assert rests == [1, 2, 4, -96, 1]


def test_p07_a_stop_of_the_whole_process_spoils_no_circuit() -> None:
    bed = Bedside()
    bed.health.tick(bed.now)
    under_way = [bed.begin() for _ in range(50)]
    bed.now += 30.0
    for started in under_way:
        bed.end(started, a_failure(code="upstream_timeout"))
    bed.health.tick(bed.now)
    assert not bed.open(bed.offer)
    assert (bed.offer.error_rate, bed.offer.in_flight) == (0.0, 0)
    for _ in range(5):
        bed.now += 0.1
        bed.attempt(a_failure())
    assert bed.open(bed.offer)


def test_what_is_known_survives_a_reload_by_name_and_what_is_gone_is_forgotten() -> None:
    bed = an_open_bed()
    bed.health.note_start("other/model", "other", bed.now)
    before = bed.offer
    bed.health.adopt(HealthRules(open_after=3), [OFFER])
    assert bed.offer == before
    assert set(bed.health.offers) == {OFFER}
    assert set(bed.health.providers) == {PROVIDER}
    bed.health.note_end("other/model", "other", bed.now, 1.0, None)
    assert set(bed.health.offers) == {OFFER}


def test_the_window_slides_and_old_latencies_are_forgotten() -> None:
    bed = Bedside()
    for ms in (10.0, 20.0, 90.0):
        bed.attempt(ms=ms)
    assert (bed.offer.samples, bed.offer.latency_ms) == (3, 20.0)
    bed.now += 70
    bed.health.tick(bed.now)
    assert (bed.offer.samples, bed.offer.latency_ms) == (0, 20.0)
    bed.now += 601
    bed.health.tick(bed.now)
    assert bed.offer.latency_ms is None


def test_failures_teach_no_latency() -> None:
    bed = Bedside()
    for _ in range(4):
        bed.attempt(a_failure(), ms=1.0)
    assert bed.offer.latency_ms is None


def test_one_try_in_ten_seconds_where_nothing_is_healthy() -> None:
    health = Health(HealthRules())
    assert [health.may_try_anyway(now) for now in (0.0, 1.0, 9.9, 10.0, 10.1)] == [True, False, False, True, False]


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=80))
@settings(max_examples=60, deadline=None)
def test_a_window_counts_what_its_span_holds(steps: list[tuple[float, bool]]) -> None:
    window, now, added = Window(60.0, 12), 0.0, []
    for pause, failed in steps:
        now += pause
        window.add(now, failed=failed)
        added.append((now, failed))
    edge = (int(now / 5.0) - 11) * 5.0
    assert window.requests == sum(at >= edge for at, _ in added)
    assert window.failures == sum(at >= edge and failed for at, failed in added)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from(("look", "age", "go on"))), max_size=200))
@settings(max_examples=100, deadline=None)
def test_the_median_is_that_of_the_last_64_whoever_looks_in_between(samples: list[tuple[float, str]]) -> None:
    latencies = Latencies(100.0)
    for index, (ms, then) in enumerate(samples):
        latencies.add(float(index), ms)
        if then == "age":
            latencies.age(float(index))
        if then == "look" or index == len(samples) - 1:
            assert latencies.median() == median_of([ms for ms, _ in samples[: index + 1]][-64:])
    latencies.age(len(samples) + 70.0)
    assert latencies.median() == median_of([ms for ms, _ in samples][-30:])


def median_of(samples: list[float]) -> float | None:
    ordered, middle = sorted(samples), len(samples) // 2
    if len(samples) < 3:
        return None
    return ordered[middle] if len(samples) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
