"""What the rules of meaning look things up in, worked out once."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from functools import cached_property

from gateway.config.compile_settings import LEARNING_MODE, MODES
from gateway.config.findings import Findings
from gateway.config.permits import glob, is_glob, matches
from gateway.config.problem import nearest
from gateway.config.references import filled
from gateway.config.shape import Declaration
from gateway.config.shape.access import Key
from gateway.config.shape.declaration import Alias
from gateway.config.shape.offering import Offer, PlainAlias, SplitAlias, TierAlias
from gateway.config.tree import Node, Path
from gateway.config.world import World

HINTS = 200
"""So many nearest names are looked for; more problems than are shown need no more hints."""

EVERYTHING = frozenset({"auto", "*"})
CALLS = frozenset({"chat", "completions", "embeddings"})


class Facts:
    """One declaration, its places, and the indexes over its names."""

    def __init__(
        self, said: Declaration, tree: Node, values: Mapping[str, str], world: World, findings: Findings
    ) -> None:
        self.said = said
        self.tree = tree
        self.world = world
        self.findings = findings
        self._values = values
        self._matching: dict[str, frozenset[str]] = {}
        self._open: dict[str, frozenset[str]] = {}
        self._of_lists: dict[tuple[tuple[str, ...], tuple[str, ...]], frozenset[str]] = {}
        self._hints: dict[tuple[str, int], str | None] = {}

    @property
    def today(self) -> date:
        return self.world.today

    def text(self, written: str) -> str | None:
        """With its references put in; None where one has no value (and was complained about, or is not looked up)."""
        return filled(written, self._values)

    def complain(self, code: str, path: Path, message: str, hint: str | None = None, *, key: bool = False) -> None:
        self.findings.at(code, path, message, hint, key=key)

    def place(self, path: Path) -> str:
        """For messages that speak of two places."""
        spot = self.findings.spot(path, key=True)
        return f"{spot.source.name}:{spot.line}:{spot.column}" if spot else "elsewhere"

    @cached_property
    def offers(self) -> Mapping[str, tuple[str, Offer]]:
        """Model and offer by `provider/model`."""
        return {
            f"{offer.provider}/{name}": (name, offer)
            for name, model in self.said.models.items()
            for offer in model.offers
        }

    @cached_property
    def offers_by_id(self) -> Mapping[str, tuple[str, ...]]:
        """Names of offers by `provider/id`."""
        found: dict[str, tuple[str, ...]] = {}
        for name, (_, offer) in self.offers.items():
            if offer.id:
                full = f"{offer.provider}/{offer.id}"
                found[full] = (*found.get(full, ()), name)
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of models and aliases."""
        return (*self.said.models, *self.said.aliases)

    @cached_property
    def offer_names(self) -> tuple[str, ...]:
        """Everything with a slash."""
        return (*(name for name in self.names if "/" in name), *self.offers, *self.offers_by_id)

    @cached_property
    def modes(self) -> frozenset[str]:
        return frozenset({*MODES, LEARNING_MODE, *self.said.routing.modes})

    def is_name(self, name: str) -> bool:
        return name in self.said.models or name in self.said.aliases

    def is_offer(self, name: str) -> bool:
        return name in self.offers or name in self.offers_by_id

    def is_target(self, name: str) -> bool:
        return self.is_name(name) or self.is_offer(name)

    def nearest_target(self, name: str) -> str | None:
        """`provider/model` is only thought of where a slash was written."""
        if "/" not in name:
            return self.nearest(name, self.names)
        return self.nearest(name, self.offer_names) or self.nearest(name, self.names)

    def nearest(self, name: str, known: Collection[str]) -> str | None:
        seen = (name, len(known))
        if seen not in self._hints and len(self._hints) < HINTS:
            self._hints[seen] = nearest(name, known)
        return self._hints.get(seen)

    def is_callable(self, model: str) -> bool:
        """Enabled, with an offer at an enabled provider."""
        said = self.said.models[model]
        return said.enabled and any(self.is_open(offer.provider) for offer in said.offers)

    def is_open(self, provider: str) -> bool:
        """Unknown ones have been complained about elsewhere."""
        found = self.said.providers.get(provider)
        return found is None or found.enabled

    def providers_of(self, name: str) -> frozenset[str]:
        """Every provider that a name can lead to."""
        return frozenset(offer.partition("/")[0] for offer in self.offers_of(name))

    def offers_of(self, name: str) -> frozenset[str]:
        """Names of every offer that a model, alias or `provider/model` can lead to; circles end."""
        if name not in self.said.aliases or name in self.said.models:
            return self._offers_at(name)
        found: set[str] = set()
        waiting, seen = [name], {name}
        while waiting:
            through = waiting.pop()
            if through in self.said.models or through not in self.said.aliases:
                found |= self._offers_at(through)
                continue
            inner = [target for target in targets(self.said.aliases[through]) if target not in seen]
            waiting += inner
            seen.update(inner)
        return frozenset(found)

    def _offers_at(self, name: str) -> frozenset[str]:
        if name in self.said.models:
            return frozenset(f"{offer.provider}/{name}" for offer in self.said.models[name].offers)
        return frozenset({name}) if name in self.offers else frozenset(self.offers_by_id.get(name, ()))

    def open_offers(self, name: str) -> frozenset[str]:
        """Those of `offers_of` that can be called at all."""
        if name not in self._open:
            found = self.offers_of(name) if self.is_on(name) else frozenset()
            self._open[name] = frozenset(one for one in found if self._is_open_offer(one))
        return self._open[name]

    def _is_open_offer(self, offer: str) -> bool:
        model, said = self.offers[offer]
        return self.said.models[model].enabled and said.provider in self.said.providers and self.is_open(said.provider)

    def is_on(self, name: str) -> bool:
        """A disabled alias is no name at all."""
        alias = self.said.aliases.get(name) if name not in self.said.models else None
        return alias is None or is_enabled(alias)

    def models_of(self, name: str) -> list[str]:
        """Every model that a name can lead to and that can be called."""
        return sorted({self.offers[offer][0] for offer in self.open_offers(name)})

    def calls_of(self, name: str) -> frozenset[str]:
        """The endpoints that what a name leads to serves."""
        return frozenset().union(*(self.calls_of_offer(offer) for offer in self.open_offers(name)))

    def calls_of_offer(self, offer: str) -> frozenset[str]:
        said = self.said.models[self.offers[offer][0]]
        via = {"completions"} if said.completions else set()
        return CALLS & {*said.capabilities, *via}

    def offers_of_key(self, key: Key) -> frozenset[str]:
        """What its `models` and `providers` leave; thousands of keys share a few lists."""
        lists = (key.models, key.providers)
        if lists not in self._of_lists:
            models = frozenset(self.offers)
            if key.models:
                models = frozenset().union(*map(self.offers_matching, key.models))
            if key.providers:
                places = {
                    place for place in self.said.providers if any(matches(pattern, place) for pattern in key.providers)
                }
                models = frozenset(name for name in models if name.partition("/")[0] in places)
            self._of_lists[lists] = models
        return self._of_lists[lists]

    def offers_matching(self, pattern: str) -> frozenset[str]:
        """Names of the offers that a key with this pattern may use."""
        if pattern not in self._matching:
            self._matching[pattern] = self._glob(pattern) if is_glob(pattern) else self.offers_of(pattern)
        return self._matching[pattern]

    def _glob(self, pattern: str) -> frozenset[str]:
        match = glob(pattern).match
        found = {name for name, (model, _) in self.offers.items() if match(model) or match(name)}
        return frozenset(found.union(*(names for full, names in self.offers_by_id.items() if match(full))))

    def names_matching(self, pattern: str) -> list[str]:
        """Models and aliases."""
        if not is_glob(pattern):
            return [pattern] if self.is_name(pattern) else []
        match = glob(pattern).match
        return [name for name in self.names if match(name)]


def targets(alias: Alias) -> tuple[str, ...]:
    """The names an alias leads to, in order."""
    match alias:
        case PlainAlias():
            return (alias.model,)
        case SplitAlias():
            return tuple(share.model for share in alias.split)
        case TierAlias():
            return alias.tier
        case _:
            return (alias,)


def target_paths(name: str, alias: Alias) -> tuple[Path, ...]:
    """Where each of `targets` stands."""
    here = ("aliases", name)
    match alias:
        case PlainAlias():
            return ((*here, "model"),)
        case SplitAlias():
            return tuple((*here, "split", index, "model") for index in range(len(alias.split)))
        case TierAlias():
            return tuple((*here, "tier", index) for index in range(len(alias.tier)))
        case _:
            return (here,)


def is_enabled(alias: Alias) -> bool:
    return isinstance(alias, str) or alias.enabled


_HARMLESS = re.compile(r"(?i)[-_](id|file|field|name|profile|url)$")
_SECRET_NAME = re.compile(
    r"(?i)(^|[-_])(api[-_]?key|secret|token|passw(or)?d|authorization|cookie|credentials?|private[-_]?key|access[-_]?key)"
    r"($|[-_])"
)


def names_secret(name: str) -> bool:
    """Whether a header or option of this name holds a credential."""
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS.search(name)
