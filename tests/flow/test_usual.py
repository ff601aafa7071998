"""What is kept of decisions says what deciding anew would say, or nothing."""

import gc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.domain.ask import Ask, OutputContract, Policy
from gateway.domain.dialect_facts import DIALECTS
from gateway.domain.key import Key
from gateway.domain.moment import Moment, Vitals
from gateway.domain.plan import Plan
from gateway.domain.settings import Defaults
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Offer, Price, Share, Split, Tier, Timeouts
from gateway.errors import RequestError
from gateway.flow.decide import decide
from gateway.flow.unsayable import PLAIN_ASKS, PLAIN_ROLES, is_plain, unsupported
from gateway.flow.upper_bound import demand_of
from gateway.flow.usual import MOST, MOST_OFFERS, USUALS, Usual, usual_of
from gateway.routing.make_plan import make_plan
from gateway.routing.scene import WELL, standing_of
from gateway.secret import Secret
from gateway.web.understand_chat import plain_texts
from tests.builders import a_moment, a_provider, a_snapshot, a_table, an_ask, an_offer
from tests.routing.test_properties import (
    ALIASES,
    DECLARED,
    MODELS,
    NAMES,
    PROVIDERS,
    STRATEGIES,
    Decide,
    aliases,
    offers,
    vitals,
)

HI = [{"role": "user", "content": "Hi"}]
WORDS: dict[str, dict[str, Any]] = {
    "chat": {"messages": HI},
    "embeddings": {"input": "Hi"},
    "completions": {"prompt": "Hi"},
}
History = tuple[Snapshot, list[tuple[Moment, Ask]]]
DIALECTS_SEEN = ("openai", "openai", "anthropic", "groq", "mistral", "voyage")


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Providers that speak differently, names of every kind, fallbacks, and little room."""
    some = [draw(changed(offer)) for offer in draw(offers())]
    chains = draw(st.dictionaries(st.sampled_from((*MODELS, *ALIASES)), st.lists(DECLARED, max_size=3).map(tuple)))
    table = a_table(some, aliases=draw(aliases()), fallbacks=chains, wildcard_models=("m0",))
    providers = {
        name: replace(
            place,
            dialect=draw(st.sampled_from(DIALECTS_SEEN)),
            enabled=draw(st.sampled_from([True, True, True, False])),
            timeouts=Timeouts(total_s=draw(st.sampled_from([60.0, 60.0, 90.0]))),
        )
        for name, place in table.providers.items()
    }
    defaults = Defaults(
        strategy=draw(st.sampled_from(STRATEGIES)),
        unsupported_parameters=draw(st.sampled_from(["refuse", "drop"])),
        default_model=draw(st.sampled_from([None, "m0", "plain"])),
    )
    snapshot = a_snapshot(replace(table, providers=providers), defaults=defaults)
    health = replace(snapshot.routing.health, open_offers=draw(st.sampled_from(["last", "out"])))
    return replace(snapshot, routing=replace(snapshot.routing, health=health))


def changed(offer: Offer) -> st.SearchStrategy[Offer]:
    """Mostly chatting, seldom with a window that matters, and often at the same price as others."""
    return st.builds(
        lambda price, window, can: replace(offer, price=price, context_window=window, capabilities=frozenset(can)),
        st.sampled_from([offer.price, Price(input=1.0, output=2.0)]),
        st.sampled_from([0, 128_000, 128_000, offer.context_window]),
        st.sampled_from(
            [*[{"chat", "tools"}] * 5, {"chat"}, {"chat", "vision"}, {"embeddings"}, {"completions", "chat"}]
        ),
    )


@st.composite
def moments(draw: st.DrawFn, snapshot: Snapshot) -> Moment:
    """Everybody is well, or nearly."""
    names = sorted(offer.name for offer in snapshot.table.cheapest_first)
    known = st.builds(
        Vitals,
        error_rate=st.sampled_from([0.0, 0.1]),
        latency_ms=st.sampled_from([None, 10.0, 999.0]),
        in_flight=st.sampled_from([0, 1]),
    )
    return a_moment(
        offers={name: draw(known) for name in names}
        | draw(st.dictionaries(st.sampled_from(names), vitals, max_size=draw(st.sampled_from([0, 0, 0, 1])))),
        providers=draw(
            st.dictionaries(st.sampled_from(PROVIDERS), vitals, max_size=draw(st.sampled_from([0, 0, 0, 1])))
        ),
        disabled_providers=draw(st.sampled_from([*[frozenset()] * 5, frozenset({"p"})])),
        turns=draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 99), max_size=4)),
        chance=draw(st.integers(0, 99)),
    )


@st.composite
def asks(draw: st.DrawFn, snapshot: Snapshot) -> Ask:
    """Of all kinds, more or less said."""
    table = snapshot.table
    declared = sorted({*table.models, *table.offers, *table.aliases})
    endpoint = draw(st.sampled_from([*["chat"] * 7, "embeddings", "completions"]))
    some = draw(st.frozensets(st.sampled_from(sorted(table.offers)), min_size=min(3, len(table.offers))))
    key = Key(name="k", digests=(), scopes=frozenset(), offers=draw(st.sampled_from([None, None, some])))
    name = draw(st.sampled_from([*table.models, *table.aliases, *declared, None, "auto", "*", "nowhere"]))
    fields = WORDS[endpoint]
    more = {"stream": True, "max_tokens": 9, "seed": 7, "temperature": 0.4, "logit_bias": {"1": 2}}
    said = {field: value for field, value in more.items() if draw(st.integers(0, 9)) == 0}
    return an_ask(
        name,
        endpoint=endpoint,
        payload={"model": name, **fields, **said},
        texts_only=endpoint == "chat" and draw(st.booleans()),
        key=draw(st.sampled_from([None, None, None, key])),
        request_id=draw(st.sampled_from(["a", "b"])),
        strategy=draw(st.sampled_from([None, None, *STRATEGIES])),
        fallback=draw(st.sampled_from([*[None] * 5, (), ("m1",), ("tier", "p/m0", "m2"), ("split",)])),
        features=draw(st.sampled_from([*[frozenset()] * 4, frozenset({"tools"}), frozenset({"vision"})])),
        input_tokens=draw(st.sampled_from([1, 500, 15_000, 60_000, 300_000])),
        output_tokens=draw(st.sampled_from([None, 1, 100_000])),
        choices=draw(st.sampled_from([1, 3])),
        output=draw(st.sampled_from([None, None, OutputContract(max_tokens=70)])),
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Several requests, one after the other, on the same snapshot."""
    snapshot = draw(snapshots())
    return snapshot, [(draw(moments(snapshot)), draw(asks(snapshot))) for _ in range(draw(st.integers(1, 4)))]


def followed(usual: Usual | None, snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan | None:
    """As serving follows it; None where it does not."""
    if usual is None:
        return None
    offers = snapshot.table.offers
    well = all(standing_of(offers[name], moment) == WELL for name in usual.offers)
    if not well or not usual.providers.isdisjoint(moment.disabled_providers):
        return None
    outline = usual.outline
    return outline.filled_in(ask) if outline.settled is not None else outline.filled_in(ask, moment)


def decided(snapshot: Snapshot, moment: Moment, ask: Ask, choose: Decide = decide) -> Plan | tuple[str, str]:
    try:
        return choose(snapshot, moment, ask)
    except RequestError as error:
        return error.code, error.message


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_a_plan_that_was_kept_is_the_plan_that_would_be_made(history: History) -> None:
    snapshot, requests = history
    for moment, ask in requests:
        plan = followed(usual_of(snapshot, ask), snapshot, moment, ask)
        if plan is not None:
            assert plan == decided(snapshot, moment, ask)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), st.lists(st.integers(1, 10**6), max_size=3))
def test_what_such_plans_may_use_is_what_their_steps_come_to(history: History, lengths: list[int]) -> None:
    snapshot, requests = history
    for moment, ask in requests * 2:
        usual = usual_of(snapshot, ask)
        plan = followed(usual, snapshot, moment, ask)
        if usual is not None and plan is not None:
            for length in (ask.input_tokens, *lengths):
                longer = replace(ask, input_tokens=length)
                assert demand_of(longer, plan, 2, usual.ceilings) == demand_of(longer, plan, 2)


def test_nothing_is_kept_of_what_may_be_used_where_a_moment_decides_who_is_tried() -> None:
    many = [an_offer("m", f"p{number}", input=1 + number % 2, output=number) for number in range(9)]
    for some, kept in ((many, False), (many[:2], True)):
        usual = usual_of(a_snapshot(a_table(some)), an_ask("m", strategy="latency", input_tokens=1))
        assert usual is not None
        assert (usual.ceilings is not None) is kept


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_a_request_that_everybody_can_be_told_is_planned_alike_whether_they_are_asked_or_not(history: History) -> None:
    snapshot, requests = history
    for moment, ask in requests:
        if usual_of(snapshot, ask) is not None:
            assert decided(snapshot, moment, ask, make_plan) == decided(snapshot, moment, ask)


def is_kept(snapshot: Snapshot, ask: Ask) -> bool:
    return usual_of(snapshot, ask) is not None


def planned(snapshot: Snapshot, ask: Ask, **moment: Any) -> list[str]:
    plan = followed(usual_of(snapshot, ask), snapshot, a_moment(**moment), ask)
    assert plan is not None
    return [step.offer.name for step in plan.steps]


def a_key(*names: str) -> Key:
    return Key(name="k", digests=(), scopes=frozenset(), offers=frozenset(names))


TWO = (an_offer("m", "p", input=1), an_offer("m", "q", input=2))
EQUAL = (an_offer("m", "p"), an_offer("m", "q"))


def test_after_a_reload_the_new_files_are_followed_and_the_old_outlines_are_gone() -> None:
    old, new = a_snapshot(a_table(TWO)), a_snapshot(a_table([replace(TWO[0], price=None), TWO[1]]))
    assert planned(old, an_ask("m")) == ["p/m", "q/m"]
    assert planned(new, an_ask("m")) == ["q/m", "p/m"]
    gc.collect()
    kept = len(USUALS)
    del old
    gc.collect()
    assert len(USUALS) == kept - 1


def test_each_caller_is_planned_for_with_their_own_rights() -> None:
    snapshot = a_snapshot(a_table(TWO))
    first, second = (
        an_ask("m", key=Key(name="k", digests=(), scopes=frozenset(), offers=frozenset({name})))
        for name in ("p/m", "q/m")
    )
    for _ in range(2):
        assert planned(snapshot, first) == ["p/m"]
        assert planned(snapshot, second) == ["q/m"]
        assert planned(snapshot, an_ask("m")) == ["p/m", "q/m"]


def test_rights_that_come_and_go_are_never_taken_for_others() -> None:
    snapshot = a_snapshot(a_table(TWO))
    for number in range(200):
        name = ("p/m", "q/m")[number % 2]
        assert planned(snapshot, an_ask("m", key=a_key(name))) == [name]


def test_names_that_mean_nothing_are_not_kept_and_the_others_are_bounded() -> None:
    snapshot = a_snapshot(a_table([an_offer(f"m{number}") for number in range(MOST + 10)]))
    usuals = USUALS.of(snapshot)
    for number in range(50):
        assert not is_kept(snapshot, an_ask(f"nowhere-{number}"))
    assert not usuals.known
    for number in range(MOST + 10):
        assert is_kept(snapshot, an_ask(f"m{number}"))
        assert len(usuals.known) <= MOST
    assert len(usuals.known) == 10


def test_latency_decides_among_equal_prices_and_is_looked_at_each_time() -> None:
    snapshot = a_snapshot(a_table(EQUAL))
    slow, quick = Vitals(latency_ms=900.0), Vitals(latency_ms=100.0)
    assert planned(snapshot, an_ask("m"), offers={"p/m": slow, "q/m": quick}) == ["q/m", "p/m"]
    assert planned(snapshot, an_ask("m"), offers={"p/m": quick, "q/m": slow}) == ["p/m", "q/m"]


def test_a_rotation_turns() -> None:
    snapshot = a_snapshot(a_table(EQUAL))
    firsts = [planned(snapshot, an_ask("m", strategy="round-robin"), turns={"m": turn})[0] for turn in range(4)]
    assert firsts == ["p/m", "q/m", "p/m", "q/m"]


@pytest.mark.parametrize(
    "ask",
    [
        an_ask("auto"),
        an_ask("*"),
        an_ask("half"),
        an_ask("tier-of-halves"),
        an_ask("m", input_tokens=2000),
        an_ask(None, policy=Policy(mode="normal", max_budget_usd=1, max_latency_ms=9000, min_weight=0)),
    ],
    ids=lambda ask: ask.name or "policy",
)
def test_what_depends_on_more_is_decided_from_the_beginning(ask: Ask) -> None:
    half = Split(shares=(Share(model="m", weight=1), Share(model="n", weight=1)), sticky_by="request")
    aliases = {
        "half": Alias(name="half", meaning=half),
        "tier-of-halves": Alias(name="tier-of-halves", meaning=Tier(models=("half",), strategy=None, ordered=True)),
    }
    offers = [an_offer("m", context_window=1000), an_offer("n")]
    assert not is_kept(a_snapshot(a_table(offers, aliases=aliases, wildcard_models=("m",))), ask)


def test_where_wider_offers_find_no_room_in_the_line_a_third_of_the_window_is_the_limit() -> None:
    offers = [an_offer("m", f"p{number}", input=number, context_window=30_000 + number) for number in range(12)]
    snapshot = a_snapshot(a_table(offers))
    for size, kept in ((10_000, True), (10_001, False)):
        ask = an_ask("m", input_tokens=size)
        assert is_kept(snapshot, ask) is kept
        assert bool(decide(snapshot, a_moment(), ask).wider) is not kept
    assert planned(snapshot, an_ask("m")) == [offer.name for offer in offers[:8]]


def test_of_very_many_offers_no_more_are_looked_at_than_it_takes() -> None:
    for count, kept in ((MOST_OFFERS, True), (MOST_OFFERS + 1, False)):
        snapshot = a_snapshot(a_table([an_offer("m", f"p{number}", input=number) for number in range(count)]))
        assert is_kept(snapshot, an_ask("m")) is kept


def test_a_field_that_some_models_refuse_is_asked_of_each_model() -> None:
    tier = {"tier": Alias(name="tier", meaning=Tier(models=("old", "new"), strategy=None, ordered=True))}
    offers = [an_offer("old", "p", id="claude-sonnet-4-6"), an_offer("new", "p", id="claude-opus-5")]
    snapshot = a_snapshot(a_table(offers, aliases=tier, providers=[a_provider("p", dialect="anthropic")]))
    warm = an_ask("tier", payload={"model": "tier", "messages": HI, "temperature": 0.3})
    assert is_kept(snapshot, an_ask("tier"))
    assert not is_kept(snapshot, warm)
    assert [step.offer.name for step in decide(snapshot, a_moment(), warm).steps] == ["p/old"]


FIELDS: dict[str, Any] = {
    "model": "m",
    "stream": False,
    "max_tokens": 4096,
    "max_completion_tokens": 100_000,
    "temperature": 0.1,
    "user": "me",
}
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from([*PLAIN_ROLES, "tool", "function"]), "content": st.sampled_from(["", "Hi", None, []])},
        optional={"name": st.just("n"), "tool_calls": st.just([])},
    ),
    max_size=4,
)
refusals = st.lists(st.sampled_from(["stream", "max_tokens", "temperature", "model", "user", "messages"]), max_size=2)


@settings(max_examples=100, deadline=None)
@given(st.data(), messages, st.sampled_from(["chat", "embeddings"]), refusals)
def test_whoever_can_be_told_the_plain_example_can_be_told_every_plain_request(
    data: st.DataObject, said: list[Any], endpoint: Any, refused: list[str]
) -> None:
    some = data.draw(st.sets(st.sampled_from(sorted(FIELDS))))
    payload = {name: FIELDS[name] for name in some}
    payload |= {"messages": said} if endpoint == "chat" else {"input": data.draw(st.sampled_from(["Hi", ["Hi"], [1]]))}
    ask = an_ask("m", endpoint=endpoint, payload=payload, texts_only=plain_texts(payload) is not None)
    for dialect, facts in DIALECTS.items():
        options = {"refuse_fields": Secret(",".join(refused))} if "refuse_fields" in facts.options and refused else {}
        provider = a_provider(dialect, dialect=dialect, options=options)
        offer = an_offer("m", dialect, id=data.draw(st.sampled_from(["m", "o3", "claude-opus-5", "gpt-5"])))
        table = a_table([offer], providers=[provider])
        if is_plain(ask) and not unsupported(table, replace(ask, payload=PLAIN_ASKS[endpoint]), offer):
            assert unsupported(table, ask, offer) == ()


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"voyage"}))
def test_everybody_who_chats_can_be_told_the_plain_example(dialect: str) -> None:
    offer = an_offer("m", dialect)
    table = a_table([offer], providers=[a_provider(dialect, dialect=dialect)])
    assert is_plain(an_ask("m", texts_only=True))
    assert unsupported(table, an_ask("m", payload=PLAIN_ASKS["chat"]), offer) == ()


def test_a_field_that_a_host_was_said_to_refuse_is_asked_about_each_time() -> None:
    places = [a_provider("p", options={"refuse_fields": Secret("stream")}), a_provider("q")]
    snapshot = a_snapshot(a_table(TWO, providers=places))
    streamed = an_ask("m", payload={"model": "m", "messages": HI, "stream": True})
    assert planned(snapshot, an_ask("m")) == ["p/m", "q/m"]
    assert followed(usual_of(snapshot, streamed), snapshot, a_moment(), streamed) is None
    assert [step.offer.name for step in decide(snapshot, a_moment(), streamed).steps] == ["q/m"]
