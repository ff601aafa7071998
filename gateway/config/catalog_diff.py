"""What differs between two catalogues: models that came, went or retired, and every figure that changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from gateway.config.price_terms import differences
from gateway.config.shape.offering import Model, Offer

Models = Mapping[str, Model]

FIELDS = ("context_window", "max_output_tokens", "capabilities", "completions", "weight", "enabled", "retires_on")
OFFER_FIELDS = ("id", "unpriced", "weight")


class Retired(Struct, frozen=True):
    """Gone, as its last day announced."""

    model: str
    retires_on: str


class Change(Struct, frozen=True, kw_only=True):
    """One figure or word of a model; None where it was not said."""

    model: str
    offer: str | None = None
    """The provider, where it is a matter of one offer."""
    field: str
    old: Any
    new: Any


class CatalogDiff(Struct, frozen=True, kw_only=True):
    """Everything, each list by the names of models."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    """Gone without a word."""
    retired: tuple[Retired, ...]
    changed: tuple[Change, ...]

    @property
    def same(self) -> bool:
        return not (self.added or self.removed or self.retired or self.changed)


def catalog_diff(old: Models, new: Models) -> CatalogDiff:
    """From the older to the newer."""
    gone = [(name, old[name].retires_on) for name in sorted(old) if name not in new]
    return CatalogDiff(
        added=tuple(sorted(name for name in new if name not in old)),
        removed=tuple(name for name, last in gone if last is None),
        retired=tuple(Retired(name, last) for name, last in gone if last is not None),
        changed=tuple(change for name in sorted(old) if name in new for change in _model(name, old[name], new[name])),
    )


def _model(name: str, old: Model, new: Model) -> Iterator[Change]:
    before = {offer.provider: offer for offer in old.offers}
    after = {offer.provider: offer for offer in new.offers}
    for provider in {**before, **after}:
        yield from _offer(name, provider, before.get(provider), after.get(provider))
    for field in FIELDS:
        one, other = getattr(old, field), getattr(new, field)
        if one != other:
            yield Change(model=name, field=field, old=one, new=other)


def _offer(name: str, provider: str, old: Offer | None, new: Offer | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(model=name, offer=provider, field="offer", old=_there(old), new=_there(new))
    for term in differences(old.price if old else None, new.price if new else None):
        yield Change(model=name, offer=provider, field=f"price.{term.term}", old=term.old, new=term.new)
    for field in OFFER_FIELDS if old and new else ():
        one, other = getattr(old, field), getattr(new, field)
        if one != other:
            yield Change(model=name, offer=provider, field=field, old=one, new=other)


def _there(offer: Offer | None) -> str | None:
    return None if offer is None else "offered"
