"""Prove a promise about names over every chain and every outage, or refute it with the way that breaks it.

Whatever stands in a chain is reached once all that stands before it is down. So a promise holds in every outage exactly
if nothing in any chain breaks it; and the first thing that does is reached when the providers before it are down.
"""

from collections.abc import Iterator

from msgspec import Struct

from gateway.config.check_meaning.facts import Facts, targets
from gateway.config.shape.access import Policy
from gateway.config.shape.offering import TierAlias


class Way(Struct, frozen=True):
    """From a name to one stage of its chain."""

    names: tuple[str, ...]
    """The name asked for, then the fallbacks, each of the one before it."""
    before: frozenset[str]
    """Providers of all that is tried earlier: they are down where this one is reached."""


class Breach(Struct, frozen=True):
    """The way on which a promise is broken."""

    way: Way
    offer: str
    label: str
    wanted: str

    def told(self) -> str:
        """Which outage, which names in turn, which provider."""
        model, place = self.offer.partition("/")[2], self.offer.partition("/")[0]
        path = " -> fallback ".join(f"`{name}`" for name in self.way.names)
        path += f" -> `{model}`" if self.way.names[-1] not in (model, self.offer) else ""
        down = " and ".join(f"`{name}`" for name in sorted(self.way.before))
        outage = f"with {down} down, " if self.way.before else ""
        return f"{outage}{path} can reach `{place}`, whose `{self.label}` is not `{self.wanted}`"


def breach(facts: Facts, policy: Policy, name: str) -> Breach | None:
    """The first that a request for this name can come to; None where none can."""
    for way in ways(facts, name):
        for offer in sorted(facts.open_offers(way.names[-1])):
            labels = facts.said.providers[offer.partition("/")[0]].labels
            for label, wanted in policy.require.items():
                if labels.get(label) != wanted:
                    return Breach(way, offer, label, wanted)
    return None


def ways(facts: Facts, name: str) -> Iterator[Way]:
    """The name itself, its fallbacks in turn, then theirs: every stage once, the nearest first."""
    waiting, seen = [Way((name,), frozenset())], {name}
    while waiting:
        way = waiting.pop(0)
        yield way
        down = way.before | _providers_of(facts, way.names[-1])
        for target in _fallbacks_of(facts, way.names[-1]):
            if target not in seen:
                seen.add(target)
                waiting.append(Way((*way.names, target), down))
            down |= _providers_of(facts, target)


def _providers_of(facts: Facts, name: str) -> frozenset[str]:
    return frozenset(offer.partition("/")[0] for offer in facts.open_offers(name))


def _fallbacks_of(facts: Facts, name: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Of the first name that has any, on the way from an alias to its models; the members of a tier lend it none."""
    if name in facts.said.fallbacks:
        yield from facts.said.fallbacks[name]
    elif name in facts.said.aliases and name not in facts.said.models:
        alias = facts.said.aliases[name]
        for target in () if isinstance(alias, TierAlias) or name in seen else targets(alias):
            yield from _fallbacks_of(facts, target, seen | {name})
    elif name in facts.offers:
        yield from facts.said.fallbacks.get(facts.offers[name][0], ())
