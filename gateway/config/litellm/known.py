"""What the catalogue that ships knows of a model that a configuration only names."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from gateway.config.gather import SHIPPED
from gateway.config.load import World, load
from gateway.config.shape.offering import Model, Offer

SAME_MODELS: Mapping[str, str] = MappingProxyType({"vertex": "gemini"})
"""Dialects whose models are listed under another."""
LONG_AGO = date(2000, 1, 1)


def known(dialect: str, *ids: str | None) -> tuple[Model, Offer] | None:
    """The first of these that is in the catalogue of this dialect."""
    rows = _rows(SAME_MODELS.get(dialect, dialect))
    return next((rows[name] for name in ids if name is not None and name in rows), None)


def catalogued_names(dialect: str) -> list[str]:
    """Of every model that including this catalogue declares."""
    return sorted(_models(dialect))


def has_catalogue(dialect: str) -> bool:
    return (SHIPPED / "catalog" / f"{dialect}.yaml").is_file()


def _rows(dialect: str) -> Mapping[str, tuple[Model, Offer]]:
    models = _models(dialect)
    found = {offer.id or name: (model, offer) for name, model in models.items() for offer in model.offers}
    return {name: (model, model.offers[0]) for name, model in models.items()} | found


@lru_cache(maxsize=32)
def _models(dialect: str) -> Mapping[str, Model]:
    path = SHIPPED / "catalog" / f"{dialect}.yaml"
    if not path.is_file():
        return MappingProxyType({})
    declared = load(path, World(env={}, today=LONG_AGO, secrets="skip")).declaration
    return MappingProxyType({} if declared is None else declared.models)
