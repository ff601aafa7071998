"""The usual decision: most requests want what others wanted before them, and nothing stands in the way of any offer.

For each kind of request an outline of its plan is kept beside the snapshot. It is followed while nobody in it rests,
is switched off, or would refuse to be told a field; every other request is decided from the beginning.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.base import Dialect
from gateway.dialects.bridge import is_bridged
from gateway.domain.ask import Ask
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Offer, Provider, Table
from gateway.errors import RequestError
from gateway.flow.unsayable import PLAIN_ASKS, is_plain, speaker_of
from gateway.flow.upper_bound import Ceilings
from gateway.routing.beside import Beside
from gateway.routing.outline import Outline, outline_of

MOST = 4096
"""Kinds of requests kept for one snapshot."""
MOST_OFFERS = 64
"""Where more than these may be tried, no more of them are looked at than it takes."""

Kind = tuple[str | None, str, str | None, frozenset[str], tuple[str, ...] | None, int]
"""Whatever of a request decides who serves it: name, endpoint, strategy, features, fallbacks, rights."""

Ears = Sequence[tuple[Dialect, Provider, Sequence[Offer]]]
"""Who is told a request by whom: offers of one provider, who are spoken to alike."""


class Usual(Struct, frozen=True, eq=False):
    """What is kept for a kind of request."""

    outline: Outline
    offers: frozenset[str]
    providers: frozenset[str]
    """Names of those on whom it relies."""
    ears: Ears
    all_hear_plain: bool
    """There is nobody among them who cannot be told what a plain request says."""
    patience_s: float | None
    """Of everybody; None where they differ."""
    ceilings: Ceilings | None
    """None where a moment decides who is tried at all."""


class Usuals(Struct, eq=False):
    """Of one snapshot, by kind."""

    known: dict[Kind, Usual | None] = {}
    rights: list[frozenset[str] | None] = []
    """Those of the callers, kept so that none of them loses its identity to another."""


USUALS = Beside[Snapshot, Usuals](Usuals)


def usual_of(snapshot: Snapshot, ask: Ask) -> Usual | None:
    """For a request that everybody can be told: nobody has to be asked again, whichever way it is decided.

    Whether the outline holds now is still to be found out. None where each request of this kind is another matter.
    """
    if ask.policy is not None:
        return None
    key, usuals = ask.key, USUALS.of(snapshot)
    allowed = None if key is None else key.offers
    kind = (ask.name, ask.endpoint, ask.strategy, ask.features, ask.fallback, id(allowed))
    try:
        usual = usuals.known[kind]
    except KeyError:
        usual = _learnt(usuals, kind, snapshot, ask)
    if usual is None or ask.input_tokens > usual.outline.room:
        return None
    return usual if (usual.all_hear_plain and is_plain(ask)) or all_hear(usual.ears, ask) else None


def _learnt(usuals: Usuals, kind: Kind, snapshot: Snapshot, ask: Ask) -> Usual | None:
    """Names come from callers: one that means nothing is not kept."""
    try:
        outline = outline_of(snapshot, ask)
    except RequestError:
        return None
    if len(usuals.known) >= MOST:
        usuals.known.clear()
        usuals.rights.clear()
    usuals.rights.append(None if ask.key is None else ask.key.offers)
    small = outline if outline is not None and len(outline.everyone) <= MOST_OFFERS else None
    usual = usuals.known[kind] = None if small is None else _usual(small, snapshot.table, ask)
    return usual


def _usual(outline: Outline, table: Table, ask: Ask) -> Usual:
    everyone = outline.everyone
    ears = _ears(everyone, table, ask)
    plain = PLAIN_ASKS.get(ask.endpoint)
    return Usual(
        outline,
        frozenset(offer.name for offer in everyone),
        frozenset(offer.provider for offer in everyone),
        ears,
        plain is not None and all_hear(ears, replace(ask, payload={**plain, "model": ask.name})),
        _only(table.providers[offer.provider].timeouts.total_s for offer in everyone),
        {} if outline.always_the_same else None,
    )


def _ears(offers: Iterable[Offer], table: Table, ask: Ask) -> Ears:
    found: dict[tuple[str, bool], tuple[Dialect, Provider, list[Offer]]] = {}
    for offer in offers:
        place, bridged = table.providers[offer.provider], is_bridged(ask, offer)
        if (place.name, bridged) not in found:
            found[place.name, bridged] = speaker_of(table, ask, offer), place, []
        found[place.name, bridged][2].append(offer)
    return tuple(found.values())


def all_hear(ears: Ears, ask: Ask) -> bool:
    for dialect, provider, offers in ears:
        for offer in offers:
            if dialect.unsupported(ask, provider, offer):
                return False
            if dialect.model_fields.isdisjoint(ask.payload):
                break  # the other models hear the same
    return True


def _only(values: Iterable[float]) -> float | None:
    different = set(values)
    return different.pop() if len(different) == 1 else None
