"""What an offer and its provider have in common is counted once: nobody who looks can tell."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.settings import HealthRules
from gateway.domain.trail import Failure
from gateway.state.health import Health
from tests.nightly import often

PLACES = {"p/a": "p", "p/b": "p", "q/a": "q"}
KINDS = ("transient", "garbled", "refused", "rate_limited", "context_overflow", "bad_request")
RULES = HealthRules(window_s=60.0, open_after=2, open_for_s=0.5, min_requests=4)
OTHER_RULES = HealthRules(window_s=6.0, open_after=3)

LOOKS = ("_rules", "_in_order", "_looked_at")
"""What depends on who looked when, and nothing else on it."""

offers = st.sampled_from(sorted(PLACES))
failures = st.builds(
    Failure,
    kind=st.sampled_from(KINDS),
    code=st.just("c"),
    message=st.just("m"),
    blame=st.sampled_from(["provider", "offer", "nobody"]),
    retry_after_s=st.sampled_from([None, 0.0, 3.0]),
)
events = st.one_of(
    st.tuples(st.just("start"), offers, st.none()),
    st.tuples(st.just("start"), offers, st.none()),
    st.tuples(st.just("works"), offers, st.sampled_from([None, 5.0, 7.0, 100.0])),
    st.tuples(st.just("works"), offers, st.sampled_from([None, 5.0, 7.0, 100.0])),
    st.tuples(st.just("fails"), offers, failures),
    st.tuples(st.just("moves"), st.just(""), st.sampled_from(["q", "p"])),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([0.01, 0.3, 0.6, 1.0, 6.0, 70.0])),
    st.tuples(st.just("tick"), st.just(""), st.none()),
    st.tuples(st.just("reload"), st.just(""), st.sampled_from([RULES, OTHER_RULES])),
    st.tuples(st.just("twin"), st.just(""), st.none()),
    st.tuples(st.just("look"), st.just(""), st.none()),
)


@settings(max_examples=often(day=200, night=5000), deadline=None)
@given(st.lists(events, min_size=20, max_size=100))
def test_pairs_come_to_what_two_charts_come_to(history: list[tuple[str, str, Any]]) -> None:
    """`plain` is made to note everything at once, chart by chart; whoever looks at either sees the same."""
    paired, plain, now = Health(RULES), Health(RULES), 1000.0
    places = dict(PLACES)
    running: dict[str, list[float]] = {name: [] for name in PLACES}
    for what, offer, detail in history:
        plain._part()
        if what == "wait":
            now += detail
        elif what == "moves":
            places["p/b"] = detail
        elif what == "look":
            assert seen(paired, now) == seen(plain, now)
        elif what == "twin":
            paired, plain = (each.twin(RULES, PLACES, ["p", "q"]) for each in (paired, plain))
        else:
            began = running[offer].pop() if what in ("works", "fails") and running[offer] else None
            if what == "start":
                running[offer].append(now)
            for health in (paired, plain):
                tell(health, what, offer, places, now, detail, began)
    assert seen(paired, now) == seen(plain, now)


def tell(
    health: Health, what: str, offer: str, places: dict[str, str], now: float, detail: Any, began: float | None
) -> None:
    if what == "start":
        health.note_start(offer, places[offer], now)
    elif what == "works":
        health.note_end(offer, places[offer], now, detail, None, began)
    elif what == "fails":
        health.note_end(offer, places[offer], now, None, detail, began)
    elif what == "tick":
        health.tick(now)
    elif what == "reload":
        health.adopt(detail, ["p/a", "p/b"])


def seen(health: Health, now: float) -> tuple[Any, ...]:
    """What is shown, and what later decisions are made of: slots of windows, trials under way, latencies."""
    offers, resting = health.look(now)
    charts = [health._offers.charts, health._providers.charts]
    inside = [{name: parts(chart) for name, chart in each.items()} for each in charts]
    return dict(offers), dict(resting), dict(health.offers), dict(health.providers), inside


def parts(thing: Any) -> Any:
    if not hasattr(type(thing), "__slots__"):
        return thing
    return {name: parts(getattr(thing, name)) for name in type(thing).__slots__ if name not in LOOKS}


def test_a_trial_is_counted_at_once_though_all_was_well_before() -> None:
    health, now = Health(RULES), 1000.0
    for _ in range(3):
        health.note_start("p/a", "p", now)
        health.note_end("p/a", "p", now, 5.0, None, now)
    down = Failure(kind="transient", code="c", message="m", blame="offer")
    for _ in range(2):
        health.note_start("p/a", "p", now)
        health.note_end("p/a", "p", now, None, down, now)
    health.note_end("p/a", "p", now, 5.0, None, now - 1)
    later = health.offers["p/a"].open_until
    health.note_start("p/a", "p", later)
    assert health.offers["p/a"].trials_left == RULES.half_open - 1


def test_however_many_attempts_work_between_two_looks_little_is_remembered() -> None:
    health = Health(RULES)
    for index in range(10_000):
        now = 1000.0 + index / 1000
        health.note_start("p/a", "p", now)
        health.note_end("p/a", "p", now, 5.0, None, now)
    assert len(health._unsettled) <= 1
    assert health.offers["p/a"].in_flight == 0
