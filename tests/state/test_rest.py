"""Whether anything stands against somebody can be asked without reading how they are; both come to the same."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.moment import UNKNOWN
from gateway.domain.settings import HealthRules
from gateway.domain.trail import Failure
from gateway.state.health import Health

OFFERS = {"p/a": "p", "p/b": "p", "q/a": "q"}
KINDS = ("transient", "garbled", "refused", "rate_limited", "context_overflow", "bad_request")

events = st.one_of(
    st.tuples(st.just("start"), st.sampled_from(sorted(OFFERS)), st.none()),
    st.tuples(st.just("end"), st.sampled_from(sorted(OFFERS)), st.none()),
    st.tuples(
        st.just("end"),
        st.sampled_from(sorted(OFFERS)),
        st.builds(
            Failure,
            kind=st.sampled_from(KINDS),
            code=st.just("c"),
            message=st.just("m"),
            blame=st.sampled_from(["provider", "offer", "nobody"]),
            retry_after_s=st.sampled_from([None, 0.0, 3.0]),
        ),
    ),
    st.tuples(st.just("wait"), st.just(""), st.sampled_from([0.1, 2.0, 40.0])),
    st.tuples(st.just("reload"), st.just(""), st.none()),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=40))
def test_is_well_says_what_the_vitals_say(history: list[tuple[str, str, Any]]) -> None:
    health, now = Health(HealthRules()), 1000.0
    for what, offer, detail in history:
        if what == "wait":
            now += detail
            health.tick(now)
        elif what == "reload":
            health.adopt(HealthRules(), ["p/a", "q/a"])
        elif what == "start":
            health.note_start(offer, OFFERS[offer], now)
        else:
            health.note_start(offer, OFFERS[offer], now)
            health.note_end(offer, OFFERS[offer], now, 5.0, detail, now)
        for name, place in OFFERS.items():
            assert health.is_well(frozenset({name}), frozenset({place}), now) == nothing_stands_against(
                health, name, place, now
            )
        everybody = all(nothing_stands_against(health, name, place, now) for name, place in OFFERS.items())
        assert health.is_well(frozenset(OFFERS), frozenset(OFFERS.values()), now) == everybody


def nothing_stands_against(health: Health, offer: str, provider: str, now: float) -> bool:
    """By the table of `routing.scene`: neither a circuit that is not closed nor a pause that was asked for."""
    both = (health.offers.get(offer, UNKNOWN), health.providers.get(provider, UNKNOWN))
    return all(not vitals.open_until and vitals.cooldown_until <= now for vitals in both)
