"""Which offers a key's `models` and `providers` leave, worked out once for each distinct pair of lists."""

import fnmatch
import re
from collections.abc import Generator, Iterable

from gateway.domain.table import Alias, Offer, Plain, Split, Table, Tier

BREATH = 2000
"""Offers between two breaths."""


class Permits:
    """Remembers every pattern it has seen: thousands of keys usually share a few lists."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._offers: dict[str, Offer] = {}
        self._by_id: dict[str, list[str]] = {}
        self._by_model: dict[str, frozenset[str]] = {}
        self._by_pair: dict[tuple[tuple[str, ...], tuple[str, ...]], frozenset[str] | None] = {}
        self._hard = False

    def prepare(self) -> Generator[None, None, None]:
        """Looks at every offer once; breathes on the way."""
        for count, offer in enumerate(self._table.cheapest_first, start=1):
            self._offers[offer.name] = offer
            self._by_id.setdefault(f"{offer.provider}/{offer.id}", []).append(offer.name)
            if count % BREATH == 0:
                yield

    def worked_hard(self) -> bool:
        """Whether something new had to be worked out since the last time this was asked."""
        hard, self._hard = self._hard, False
        return hard

    def offers(self, models: tuple[str, ...], providers: tuple[str, ...]) -> frozenset[str] | None:
        """Names of the offers that both lists leave; None means all."""
        pair = (models, providers)
        if pair not in self._by_pair:
            self._by_pair[pair] = self._both(models, providers)
        return self._by_pair[pair]

    def of_pattern(self, pattern: str) -> frozenset[str]:
        """Offers of a model, an alias, `provider/model`, or of everything a glob matches."""
        if pattern not in self._by_model:
            self._by_model[pattern] = frozenset(self._glob(pattern) if is_glob(pattern) else self._exact(pattern))
        return self._by_model[pattern]

    def _both(self, models: tuple[str, ...], providers: tuple[str, ...]) -> frozenset[str] | None:
        if not models and not providers:
            return None
        left = frozenset().union(*map(self.of_pattern, models)) if models else frozenset(self._offers)
        if not providers:
            return left
        self._hard = True
        places = {name for name in self._table.providers if any(matches(pattern, name) for pattern in providers)}
        return frozenset(name for name in left if self._offers[name].provider in places)

    def _exact(self, name: str) -> Iterable[str]:
        model = self._table.models.get(name)
        if model is not None:
            return [offer.name for offer in model.offers]
        alias = self._table.aliases.get(name)
        if alias is not None:
            return self._of_alias(alias, {name})
        return {name} if name in self._offers else self._by_id.get(name, ())

    def _of_alias(self, alias: Alias, seen: set[str]) -> set[str]:
        found: set[str] = set()
        for target in targets(alias):
            inner = self._table.aliases.get(target) if target not in self._table.models else None
            if inner is None:
                found.update(self._exact(target) if target not in seen else ())
            elif target not in seen:
                found |= self._of_alias(inner, seen | {target})
        return found

    def _glob(self, pattern: str) -> Iterable[str]:
        self._hard = True
        if pattern == "*":
            return self._offers
        if pattern.find("*") == len(pattern) - 1 and "?" not in pattern:
            return self._of_prefix(pattern[:-1])
        match = glob(pattern).match
        found = [offer.name for model in self._table.models.values() if match(model.name) for offer in model.offers]
        return (
            found
            + [name for offered, names in self._by_id.items() if match(offered) for name in names]
            + [name for name in self._offers if match(name)]
        )

    def _of_prefix(self, start: str) -> Iterable[str]:
        """The usual glob, without a pattern machine."""
        models = self._table.models.values()
        found = [offer.name for model in models if model.name.startswith(start) for offer in model.offers]
        found += [name for offered, names in self._by_id.items() if offered.startswith(start) for name in names]
        return found + [name for name in self._offers if name.startswith(start)]


def targets(alias: Alias) -> tuple[str, ...]:
    """The names an alias leads to, in order."""
    match alias.meaning:
        case Plain(target=target):
            return (target,)
        case Split(shares=shares):
            return tuple(share.model for share in shares)
        case Tier(models=models):
            return models


def is_glob(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def matches(pattern: str, name: str) -> bool:
    return glob(pattern).match(name) is not None if is_glob(pattern) else pattern == name


def glob(pattern: str) -> re.Pattern[str]:
    """`*` stands for any text, `?` for one character; nothing else is special. Case counts."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))
