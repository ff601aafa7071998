"""What holds for every table, moment and ask: no limit is ever broken, nothing leaks, nothing depends on chance."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.domain.ask import Ask, Policy
from gateway.domain.key import Key
from gateway.domain.moment import Arm, Ladder, Moment, Vitals
from gateway.domain.plan import Plan, Step
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Offer, Plain, Price, Share, Split, Tier
from gateway.errors import RequestError
from gateway.routing.make_plan import explain_plan, make_plan
from tests.builders import a_moment, a_snapshot, a_table, an_ask, an_offer

MODELS = ("m0", "m1", "m2", "m3")
PROVIDERS = ("p", "q", "r")
PINNED = tuple(f"{provider}/{model}" for provider in PROVIDERS for model in MODELS)
ALIASES = ("plain", "chained", "split", "tier", "line")
NAMES = (*MODELS, *PINNED, *ALIASES, "auto", "*", "nowhere")
DECLARED = st.sampled_from((*MODELS, *PINNED[:4], *ALIASES, "nowhere"))
STRATEGIES = ("cost", "latency", "availability", "round-robin")
NOW = 1000.0

prices = st.one_of(
    st.none(),
    st.builds(
        Price,
        input=st.sampled_from([0.0, 0.5, 2.0, 20.0]),
        output=st.sampled_from([0.0, 1.5, 10.0, 75.0]),
        request=st.sampled_from([0.0, 0.01]),
    ),
)
vitals = st.builds(
    Vitals,
    error_rate=st.sampled_from([0.0, 0.1, 0.9]),
    latency_ms=st.sampled_from([None, 10.0, 999.0, 1001.0]),
    open_until=st.sampled_from([0.0, 0.0, NOW - 1, NOW + 9]),
    trials_left=st.sampled_from([0, 1]),
    cooldown_until=st.sampled_from([0.0, 0.0, NOW + 3]),
    in_flight=st.sampled_from([0, 1]),
)
capabilities = st.sampled_from([{"chat", "tools"}, {"chat", "tools", "vision"}, {"chat"}, {"embeddings"}])


@dataclass
class World:
    snapshot: Snapshot
    moment: Moment
    ask: Ask
    backwards: Snapshot = field(repr=False)


@st.composite
def offers(draw: st.DrawFn) -> list[Offer]:
    chosen = draw(st.lists(st.sampled_from(PINNED), min_size=1, max_size=12, unique=True))
    return [
        an_offer(
            name.split("/")[1],
            name.split("/")[0],
            price=draw(prices),
            weight=float(draw(st.sampled_from([0, 3, 8, 10]))),
            context_window=draw(st.sampled_from([0, 1000, 16_000, 128_000])),
            max_output_tokens=draw(st.sampled_from([0, 256, 4096])),
            capabilities=frozenset(draw(capabilities)),
            share=float(draw(st.sampled_from([0, 1, 2]))),
        )
        for name in chosen
    ]


@st.composite
def aliases(draw: st.DrawFn) -> dict[str, Alias]:
    members = st.lists(st.sampled_from((*MODELS, "p/m0")), min_size=1, max_size=3, unique=True)
    shares = tuple(Share(model=model, weight=draw(st.sampled_from([1.0, 3.0]))) for model in draw(members))
    meanings: dict[str, Plain | Split | Tier] = {
        "plain": Plain(target=draw(st.sampled_from(MODELS))),
        "chained": Plain(target="split"),
        "split": Split(shares=shares, sticky_by=draw(st.sampled_from(["request", "key", "round-robin"]))),
        "tier": Tier(models=tuple(draw(members)), strategy=draw(st.sampled_from([None, *STRATEGIES])), ordered=False),
        "line": Tier(models=tuple(draw(members)), strategy=None, ordered=True),
    }
    if draw(st.booleans()):
        meanings["*"] = Plain(target="tier")
    return {name: Alias(name=name, meaning=meaning, enabled=draw(st.booleans())) for name, meaning in meanings.items()}


@st.composite
def asks(draw: st.DrawFn, names: list[str]) -> Ask:
    key = None
    if draw(st.booleans()):
        allowed = draw(st.one_of(st.none(), st.frozensets(st.sampled_from(names))))
        key = Key(name=draw(st.sampled_from(["k", "l"])), digests=(), scopes=frozenset(), offers=allowed)
    more: dict[str, Any] = {
        "key": key,
        "input_tokens": draw(st.sampled_from([500, 1, 900, 13_500, 120_000, 300_000])),
        "output_tokens": draw(st.sampled_from([None, 1, 1024, 100_000])),
        "choices": draw(st.sampled_from([1, 3])),
        "features": draw(st.sampled_from([frozenset(), frozenset({"tools"}), frozenset({"vision"})])),
        "strategy": draw(st.sampled_from([None, *STRATEGIES])),
        "endpoint": "chat",
    }
    if draw(st.booleans()):
        policy = Policy(
            mode=draw(st.sampled_from(["cheap", "normal", "high_confidence", "planning", "thompson"])),
            max_budget_usd=draw(st.sampled_from([100.0, 100.0, 0.05, 0.01, 0.0001])),
            max_latency_ms=draw(st.sampled_from([1, 1000, 300_000])),
            min_weight=draw(st.sampled_from([0.0, 0.0, 5.0, 10.0])),
            hint=draw(st.sampled_from([None, "", *NAMES])),
        )
        return an_ask(None, surface="policy", policy=policy, **more)
    more["endpoint"] = draw(st.sampled_from(["chat", "chat", "embeddings"]))
    more["fallback"] = draw(st.one_of(st.none(), st.lists(DECLARED, max_size=3).map(tuple)))
    return an_ask(draw(st.sampled_from(NAMES)), **more)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    some = draw(offers())
    chains = draw(st.dictionaries(st.sampled_from((*MODELS, *ALIASES)), st.lists(DECLARED, max_size=3).map(tuple)))
    table = a_table(
        some, aliases=draw(aliases()), fallbacks=chains, wildcard_models=tuple(draw(st.lists(DECLARED, max_size=4)))
    )
    off = draw(st.frozensets(st.sampled_from(MODELS), max_size=1))
    models = {name: replace(model, enabled=name not in off) for name, model in table.models.items()}
    snapshot = a_snapshot(replace(table, models=models))
    health = replace(snapshot.routing.health, open_offers=draw(st.sampled_from(["last", "out"])))
    snapshot = replace(snapshot, routing=replace(snapshot.routing, health=health))
    names = [offer.name for offer in some]
    ladder = draw(st.one_of(st.none(), st.lists(DECLARED, max_size=4).map(tuple)))
    moment = a_moment(
        now=NOW,
        offers={name: draw(vitals) for name in names if draw(st.sampled_from([True, True, False]))},
        providers=draw(st.dictionaries(st.sampled_from(PROVIDERS), vitals, max_size=1)),
        disabled_providers=draw(st.frozensets(st.sampled_from(PROVIDERS), max_size=1)),
        turns=draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10_000), max_size=3)),
        chance=draw(st.integers(0, 99)),
        arms=draw(
            st.dictionaries(
                st.tuples(st.sampled_from(names), st.sampled_from(["small", "medium", "large"])),
                st.builds(Arm, alpha=st.sampled_from([1.0, 30.0]), beta=st.sampled_from([1.0, 30.0])),
            )
        ),
        ladder=None if ladder is None else Ladder(models=ladder, source="api"),
    )
    return World(snapshot, moment, draw(asks(names)), turned_round(snapshot))


def turned_round(snapshot: Snapshot) -> Snapshot:
    """The same files with every map written the other way round."""
    table = snapshot.table
    maps = {name: getattr(table, name) for name in ("providers", "models", "offers", "aliases", "fallbacks")}
    flipped: dict[str, Any] = {name: dict(reversed(list(each.items()))) for name, each in maps.items()}
    flipped["models"] = {
        name: replace(model, offers=tuple(reversed(model.offers))) for name, model in flipped["models"].items()
    }
    return replace(snapshot, table=replace(table, **flipped))


Ended = tuple[str, str, str]
Decide = Callable[[Snapshot, Moment, Ask], Plan]


def planned(snapshot: Snapshot, world: World, decide: Decide = make_plan) -> Plan | Ended:
    try:
        return decide(snapshot, world.moment, world.ask)
    except RequestError as error:
        return (error.kind, error.code, error.message)


def all_steps(plan: Plan) -> tuple[Step, ...]:
    return (*plan.steps, *plan.wider)


def estimated(offer: Offer, ask: Ask) -> tuple[float, int]:
    output = 512 if ask.output_tokens is None else ask.output_tokens
    output = min(output, offer.max_output_tokens or output)
    if offer.price is None:
        return 0.0, output
    price = offer.price
    usd = ask.input_tokens * price.input / 1e6 + ask.choices * output * price.output / 1e6 + price.request
    return usd, output


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_no_step_of_any_plan_breaks_a_hard_limit(world: World) -> None:
    plan, ask = planned(world.snapshot, world), world.ask
    if not isinstance(plan, Plan):
        return
    table, moment = world.snapshot.table, world.moment
    for step in all_steps(plan):
        offer = step.offer
        assert ask.endpoint in offer.capabilities
        assert table.models[offer.model].enabled
        assert offer.provider not in moment.disabled_providers
        if ask.policy is None:
            continue
        usd, output = estimated(offer, ask)
        seen = [moment.offers.get(offer.name, Vitals()), moment.providers.get(offer.provider, Vitals())]
        assert abs(step.cost_usd - usd) < 1e-12
        assert step.cost_usd <= ask.policy.max_budget_usd
        assert step.output_tokens == output
        assert offer.context_window == 0 or ask.input_tokens * 1.15 + output <= offer.context_window
        assert offer.weight >= ask.policy.min_weight
        assert (seen[0].latency_ms or 0.0) <= ask.policy.max_latency_ms
        assert all(v.open_until == 0 or (v.open_until <= NOW and v.trials_left > 0) for v in seen)
        assert ask.features <= offer.capabilities


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_a_keys_limits_never_leak(world: World) -> None:
    key = world.ask.key
    if key is None or key.offers is None:
        return
    hidden = {offer.name for offer in world.snapshot.table.offers.values()} - key.offers
    plan = planned(world.snapshot, world, explain_plan)
    if not isinstance(plan, Plan):
        assert plan[1] in {"model_not_found", "invalid_value", "unsupported_endpoint"}
        return
    said = {step.offer.name for step in all_steps(plan)} | {each.name for each in plan.refused}
    asked = {plan.asked, *(world.ask.fallback or ())}
    assert not (said - asked) & hidden


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_the_same_world_gives_the_same_plan_however_its_maps_are_ordered(world: World) -> None:
    plan = planned(world.snapshot, world)
    assert plan == planned(world.snapshot, world)
    other = planned(world.backwards, world)
    if isinstance(plan, Plan) and isinstance(other, Plan):
        assert [(step.offer.name, step.reason) for step in all_steps(plan)] == [
            (step.offer.name, step.reason) for step in all_steps(other)
        ]
        assert sorted(plan.refused, key=str) == sorted(other.refused, key=str)
        other = replace(other, steps=plan.steps, wider=plan.wider, refused=plan.refused)
    assert plan == other


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_a_plan_names_no_offer_twice_and_its_health_is_that_of_its_steps(world: World) -> None:
    plan = planned(world.snapshot, world)
    if not isinstance(plan, Plan):
        return
    names = [step.offer.name for step in all_steps(plan)]
    assert len(names) == len(set(names))
    up = [step.standing in {"well", "trial"} for step in plan.steps]
    assert plan.steps
    assert plan.healthy == any(up)
    assert up == sorted(up, reverse=True)
    assert (plan.retry_after_s is None) == plan.healthy
    assert all(step.standing in {"well", "trial"} for step in plan.wider)


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_requests_for_the_wildcard_never_leave_the_ladder(world: World) -> None:
    plan = planned(world.snapshot, world)
    if not isinstance(plan, Plan) or plan.kind != "wildcard":
        return
    ranks = [
        int(step.reason.removeprefix("wildcard-rank-")) for step in plan.steps if step.standing in {"well", "trial"}
    ]
    assert all(step.reason.startswith("wildcard-rank-") for step in plan.steps)
    if world.ask.policy is not None or not world.ask.input_tokens > 900:
        assert ranks == sorted(ranks)


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_explaining_is_deciding(world: World) -> None:
    plan = planned(world.snapshot, world)
    explained = planned(world.snapshot, world, explain_plan)
    if not isinstance(explained, Plan):
        assert plan == explained
    elif isinstance(plan, Plan):
        assert explained.steps[: len(plan.steps)] == plan.steps
        assert explained.turn == plan.turn
    else:
        assert not explained.steps
