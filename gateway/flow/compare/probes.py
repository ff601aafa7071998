"""What is asked of both sides: every name in every way that may matter, and what the tests of either ask."""

from collections.abc import Iterable, Iterator
from math import sqrt
from typing import get_args

from msgspec import Struct

from gateway.config.shape.offering import Capability
from gateway.config.shape.proving import Trial, TrialAsk, TrialMoment
from gateway.domain.ask import Endpoint
from gateway.domain.table import Strategy
from gateway.flow.compare.side import Side
from gateway.flow.prove import rehearsals
from gateway.flow.what_if import endpoint_of

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
LEFT_OUT = "strategy left out"
SIZES = (500, 5_000, 50_000)
"""One prompt of each size that learning tells apart."""
MOST_SIZES = 12
DRAWS = 1000
"""One caller in a hundred shows."""
ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)
FEATURES = tuple(one for one in get_args(Capability) if one not in ENDPOINTS)
THOMPSON = "thompson"


class Probe(Struct, frozen=True, kw_only=True):
    """One question to both sides."""

    asks: str
    """Who asks this, in the words of a report: a name, a mode, a test."""
    ask: TrialAsk
    way: tuple[str, ...] = ()
    """How it is asked: strategy, size, feature, key."""
    draws: int = 1
    """Asked by so many callers, where a split or a rotation shares them out."""
    moment: TrialMoment | None = None
    """None means: with everything well, and then with each provider of its route down."""


def probes(old: Side, new: Side) -> Iterator[Probe]:
    yield from _of_names(old, new)
    yield from _of_modes(old, new)
    yield from _of_tests((*old.said.tests, *new.said.tests))


def _of_names(old: Side, new: Side) -> Iterator[Probe]:
    named, _ = _sizes(old, new)
    features, keys = _changed_features(old, new), _changed_keys(old, new)
    for name in sorted({*old.all_names, *new.all_names, "*", "auto"}):
        for endpoint in _endpoints(name, old, new):
            for strategy in (None, *STRATEGIES):
                for size in named:
                    ask = TrialAsk(endpoint=endpoint, model=name, strategy=strategy, input_tokens=size)
                    way = (LEFT_OUT if strategy is None else f"strategy {strategy}", _size(size))
                    draws = _draws(name, strategy, old, new) if size == SIZES[0] else 1
                    yield Probe(asks=_label(name, endpoint), ask=ask, way=way, draws=draws)
            for feature in features:
                ask = TrialAsk(endpoint=endpoint, model=name, features=(feature,))
                yield Probe(asks=_label(name, endpoint), ask=ask, way=(f"needs {feature}",))
            for key in keys:
                ask = TrialAsk(endpoint=endpoint, model=name, key=key)
                yield Probe(asks=_label(name, endpoint), ask=ask, way=(f"key {key}",))


def _draws(name: str, strategy: Strategy | None, old: Side, new: Side) -> int:
    """A split is drawn where no strategy is named; a rotation where those that take turns are not the same."""
    if strategy is None and (name in old.drawing or name in new.drawing):
        return DRAWS
    return DRAWS if strategy == "round-robin" and _turns(name, old) != _turns(name, new) else 1


def _turns(name: str, side: Side) -> dict[str, float]:
    if name == "auto":
        return {offer.name: offer.share for offer in side.table.cheapest_first}
    names = side.table.wildcard_models if name == "*" else (name,)
    return {offer: side.table.offers[offer].share for one in names for offer in side.names.offers_of(one)}


def _label(name: str, endpoint: Endpoint) -> str:
    return f"`{name}`" if endpoint == "chat" else f"`{name}` ({endpoint})"


def _endpoints(name: str, old: Side, new: Side) -> list[Endpoint]:
    """The one that the name is for, and those that were gained or lost."""
    calls = [frozenset(_calls(name, side)) for side in (old, new)]
    main: list[Endpoint] = ["chat"]
    if name not in ("*", "auto"):
        offers = [side.table.offers[offer] for side in (old, new) for offer in side.names.offers_of(name)]
        main = [endpoint_of(offers)]
        if all(calls):
            main += [one for one in ENDPOINTS if (one in calls[0]) != (one in calls[1]) and one not in main]
    return main


def _calls(name: str, side: Side) -> Iterator[Endpoint]:
    offers = [side.table.offers[offer] for offer in side.names.offers_of(name)]
    for endpoint in ENDPOINTS:
        if any(endpoint in offer.capabilities or (endpoint == "completions" and offer.via_chat) for offer in offers):
            yield endpoint


def _sizes(old: Side, new: Side) -> tuple[list[int], list[int]]:
    """The usual ones, and one between each two windows of which one became the other."""
    pairs = {
        (min(before, after), max(before, after))
        for name, model in new.table.models.items()
        if (other := old.table.models.get(name)) is not None
        and (before := other.context_window) != (after := model.context_window)
        and before
        and after
    }
    between = sorted({round(sqrt(small * large)) for small, large in pairs})[:MOST_SIZES]
    return [*SIZES, *(2 * size for size in between)], [*SIZES, *(round(size / 1.2) for size in between)]


def _size(tokens: int) -> str:
    return f"{tokens:,} tokens"


def _changed_features(old: Side, new: Side) -> list[Capability]:
    changed = frozenset[str]().union(
        *(
            model.capabilities ^ (other.capabilities if other is not None else frozenset())
            for name, model in new.table.models.items()
            if (other := old.table.models.get(name)) is None or other.capabilities != model.capabilities
        )
    )
    return [one for one in FEATURES if one in changed]


def _changed_keys(old: Side, new: Side) -> list[str]:
    """Those on both sides whose rights differ."""
    return [
        name
        for name, key in new.snapshot.keys.items()
        if (other := old.snapshot.keys.get(name)) is not None
        and (key.offers, key.scopes, key.enabled, key.expires_unix, key.limits)
        != (other.offers, other.scopes, other.enabled, other.expires_unix, other.limits)
    ]


def _of_modes(old: Side, new: Side) -> Iterator[Probe]:
    _, sizes = _sizes(old, new)
    features, keys = _changed_features(old, new), _changed_keys(old, new)
    modes: list[str | None] = [None, *sorted({*old.snapshot.routing.modes, *new.snapshot.routing.modes}), THOMPSON]
    for mode in modes:
        label = "`/v1/chat`" if mode is None else f"`/v1/chat` in mode `{mode}`"
        for size in sizes:
            ask = TrialAsk(mode=mode, min_weight=0.0, input_tokens=size)
            yield Probe(asks=label, ask=ask, way=(_size(size),))
        for feature in features:
            ask = TrialAsk(mode=mode, min_weight=0.0, features=(feature,))
            yield Probe(asks=label, ask=ask, way=(f"needs {feature}",))
        for key in keys:
            yield Probe(asks=label, ask=TrialAsk(mode=mode, min_weight=0.0, key=key), way=(f"key {key}",))


def _of_tests(trials: Iterable[Trial]) -> Iterator[Probe]:
    """What people thought worth a test; the same test of both sides once."""
    seen: set[str] = set()
    for trial in trials:
        for probe in _of_trial(trial):
            identity = repr((probe.ask, probe.moment))
            if identity not in seen:
                seen.add(identity)
                yield probe


def _of_trial(trial: Trial) -> Iterator[Probe]:
    for rehearsal in rehearsals((trial,)):
        way = () if rehearsal.case is None else (f"case {rehearsal.case}",)
        yield Probe(asks=f"the test `{trial.name}`", ask=rehearsal.ask, moment=rehearsal.moment, way=way)
