"""Plan a request that names a model, or leaves the choice to a strategy: the OpenAI-shaped endpoints.

| reason | the step was reached by |
| --- | --- |
| `pinned` | `provider/model` |
| `strategy-NAME` | a model, by its own name or by a plain alias; its offers are ordered by the strategy |
| `split` | a weighted alias |
| `tier` | an alias for a set of models |
| `auto-NAME` | `auto`, or no name and a strategy |
| `wildcard-rank-N` | rung N of the ladder, counted from 0 |
| `fallback-N` | the N-th name of the fallback chain, counted from 1 |
"""

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.plan import Plan
from gateway.domain.table import Offer
from gateway.routing.eligible import (
    CHOSEN,
    FORGIVEN,
    NAMED,
    NAMED_WORD_FOR_WORD,
    PARAMETERS,
    Notes,
    Rule,
    Sieve,
    make_sieve,
    serves,
    unsaid,
)
from gateway.routing.lineup import Depth, Lineup
from gateway.routing.refuse import cannot_say, lacks, no_name, unknown_fallback, unknown_model, wrong_endpoint
from gateway.routing.resolve import AUTO, Target, resolve, resolve_declared
from gateway.routing.scene import Scene, may_drop

STRICT_FEATURES = ("dimensions",)
"""What a model can or cannot do for certain: asked of a named model that cannot, it is the caller's mistake."""


class Line(Protocol):
    """Where offers wait to be tried."""

    @property
    def empty(self) -> bool: ...

    def enlist(self, target: Target, sieve: Sieve, reason: str | None = None) -> None: ...


def plan_named(scene: Scene, depth: Depth) -> Plan:
    lineup = Lineup(scene, depth.steps)
    name, target, strict = line_up(scene, lineup, depth.refusals)
    return Plan(
        asked=name,
        kind=target.kind,
        alias_from=target.alias_from,
        strategy=target.strategy,
        steps=lineup.steps(),
        refused=tuple(strict.notes.refused),
        turn=target.rotation,
        wider=lineup.wider(strict),
        healthy=lineup.healthy(),
        retry_after_s=lineup.retry_after_s(),
    )


def line_up(scene: Scene, line: Line, refusals: int) -> tuple[str, Target, Sieve]:
    """What the name means, and after it the names of its fallback chain; and by which rules."""
    name = _name_asked(scene)
    target = resolve(name, scene)
    if target is None:
        raise unknown_model(name)
    notes = Notes(refusals, target.skipped)
    chain = _fallback_chain(target, scene, notes)
    strict = make_sieve(CHOSEN, scene, notes)
    line.enlist(target, strict if target.chosen else _lenient(name, target, strict))
    if line.empty and not target.chosen:
        _check_endpoint(name, target, scene)
        _check_words(target, scene)
    for number, fallback in enumerate(chain, 1):
        line.enlist(fallback, strict, f"fallback-{number}")
    return name, target, strict


def _name_asked(scene: Scene) -> str:
    ask = scene.ask
    if ask.name is not None:
        return ask.name
    if ask.strategy is not None:
        return AUTO
    default = scene.snapshot.defaults.default_model
    if default is None:
        raise no_name()
    return default


def _fallback_chain(target: Target, scene: Scene, notes: Notes) -> Sequence[Target]:
    """The caller's chain replaces the configured one; requests for `*` never leave the ladder."""
    asked = scene.ask.fallback
    if target.kind == "wildcard":
        for name in asked or ():
            notes.note(name, "ladder", "requests for * never leave the ladder")
        return ()
    return _configured_chain(target, scene, notes) if asked is None else _asked_chain(asked, scene, notes)


def _asked_chain(asked: Sequence[str], scene: Scene, notes: Notes) -> Sequence[Target]:
    names = list(dict.fromkeys(asked))
    most = scene.snapshot.defaults.max_fallbacks
    for name in names[most:]:
        notes.note(name, "too-many", f"only the first {most} fallbacks count")
    chain: list[Target] = []
    for name in names[:most]:
        target = resolve_declared(name, scene)
        if target is None:
            raise unknown_fallback(name)
        chain.append(target)
    return chain


def _configured_chain(target: Target, scene: Scene, notes: Notes) -> Sequence[Target]:
    """Of the first name that has one, on the way from the name asked for to its model."""
    fallbacks = scene.table.fallbacks
    if not fallbacks:
        return ()
    names = next((fallbacks[name] for name in target.names if name in fallbacks), ())
    chain: list[Target] = []
    for name in names:
        other = resolve_declared(name, scene)
        if other is not None:
            chain.append(other)
        elif scene.allowed is None:
            notes.note(name, "unknown", "the fallback is not a model that can be used now")
    return chain


def _lenient(name: str, target: Target, strict: Sieve) -> Sieve:
    """A named model is passed over only where another of its offers does better."""
    scene, notes = strict.scene, strict.notes
    if not scene.ask.features and not scene.ask.unsupported:
        return strict
    doubts = [rule for rule in FORGIVEN if rule.matters(scene)]
    offers = _offers(target) if doubts else []
    if not doubts or _someone_pleases(offers, doubts, scene):
        return strict
    for feature in STRICT_FEATURES:
        if feature in scene.ask.features and not any(feature in offer.capabilities for offer in offers):
            raise lacks(name, feature)
    aloud = PARAMETERS in doubts and not may_drop(scene)
    for offer in offers:
        broken = next(rule for rule in doubts if rule.breaks(offer, scene))
        if not (aloud and PARAMETERS.breaks(offer, scene)):
            why = f"{broken.why(offer, scene)}; tried all the same, as no other does better"
            notes.note(offer.name, broken.word, why)
    return make_sieve(NAMED_WORD_FOR_WORD if aloud else NAMED, scene, notes)


def _someone_pleases(offers: Sequence[Offer], doubts: Sequence[Rule], scene: Scene) -> bool:
    for offer in offers:
        for rule in doubts:
            if rule.breaks(offer, scene):
                break
        else:
            return True
    return False


def _check_endpoint(name: str, target: Target, scene: Scene) -> None:
    offers = _offers(target)
    if not any(serves(offer, scene) for offer in offers):
        raise wrong_endpoint(name, scene, frozenset[str]().union(*(offer.capabilities for offer in offers)))


def _check_words(target: Target, scene: Scene) -> None:
    """Nobody who serves this model can be told all that the caller wants: their mistake, not a reason to fall back."""
    if not scene.ask.unsupported or may_drop(scene):
        return
    serving = [offer for offer in _offers(target) if serves(offer, scene)]
    if serving and all(unsaid(offer, scene) for offer in serving):
        raise cannot_say(unsaid(serving[0], scene)[0], serving[0].provider)


def _offers(target: Target) -> list[Offer]:
    return [offer for group in target.groups for offer in group.offers]
