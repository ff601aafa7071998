"""What stands in the files and is never reached: rungs below their equals, shadowed names, chains that fall as one."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from gateway.config.check_meaning.facts import Facts, is_enabled, targets
from gateway.config.shape.offering import PlainAlias, SplitAlias, TierAlias
from gateway.config.tree import Path
from gateway.domain.dialect_facts import DIALECTS

CALLS_OF_SCOPE: Mapping[str, frozenset[str]] = MappingProxyType(
    {"chat": frozenset({"chat", "completions"}), "embeddings": frozenset({"embeddings"})}
)

Chain = tuple[Path, str, tuple[str, ...], frozenset[str]]
"""Where it stands, what it is called, its names in order, and the offers that are tried before any of them."""


def chains(facts: Facts, *, fallbacks: bool = True) -> Iterator[Chain]:
    """Every list whose order is an order of trying."""
    yield ("wildcard_models",), "the ladder", facts.said.wildcard_models, frozenset()
    for name, alias in facts.said.aliases.items():
        if isinstance(alias, TierAlias) and alias.ordered:
            yield ("aliases", name, "tier"), f"`{name}`", alias.tier, frozenset()
    for name, chain in facts.said.fallbacks.items() if fallbacks else ():
        yield ("fallbacks", name), f"the chain of `{name}`", chain, facts.open_offers(name)


def rungs_below_their_equals(facts: Facts) -> None:
    for path, chain, names, tried in chains(facts):
        above = tried
        for index, name in enumerate(names):
            mine = facts.open_offers(name)
            if mine and mine <= above and name not in names[:index]:
                message = f"all that `{name}` stands for is tried before it in {chain}: it can never help"
                facts.complain("TH2113", (*path, index), message, "remove it, or name something else")
            above |= mine


def shadowed_ladder(facts: Facts) -> None:
    star = facts.said.aliases.get("*")
    if star is not None and is_enabled(star) and facts.said.wildcard_models:
        message = f"the alias `*` (in {facts.place(('aliases', '*'))}) decides: this ladder is never climbed"
        facts.complain("TH2114", ("wildcard_models",), message, "keep one of them", key=True)


def shadowed_ids(facts: Facts) -> None:
    """A `provider/id` that two models share leads to the first of them only."""
    for full, names in facts.offers_by_id.items():
        first = min(facts.offers[name][0] for name in names)
        for name in names if full not in facts.offers else ():
            model, offer = facts.offers[name]
            if model != first:
                index = facts.said.models[model].offers.index(offer)
                message = f"`{full}` leads to `{first}`; under this name `{model}` cannot be reached"
                facts.complain("TH2115", ("models", model, "offers", index, "id"), message, f"pin it as `{name}`")


def chains_that_fall_as_one(facts: Facts) -> None:
    for path, chain, names, tried in chains(facts):
        offers = [facts.open_offers(name) for name in names]
        places = {offer.partition("/")[0] for offer in tried.union(*offers)}
        if len(names) + bool(tried) < 2 or not all(offers) or not places:
            continue
        if len(places) == 1 and path[0] != "fallbacks":
            message = f"everything in {chain} is at `{min(places)}`: when it is down, all of it is"
            facts.complain("TH2109", path, message, "add a model at another provider", key=True)
        elif len(places) > 1 and len({domain(facts, place) for place in places}) == 1:
            named = " and ".join(f"`{place}`" for place in sorted(places))
            message = f"{named} are one address: when it is down, everything in {chain} is"
            facts.complain("TH2109", path, message, "add a model at another address", key=True)


def domain(facts: Facts, place: str) -> str:
    """Providers with one address, in one region, fall together."""
    said = facts.said.providers.get(place)
    if said is None or said.dialect == "echo" or said.dialect not in DIALECTS:
        return place
    url = facts.text(said.base_url or DIALECTS[said.dialect].base_url or "")
    address = urlsplit(url).netloc if url else ""
    where = "".join(said.options.get(option, "") for option in ("region", "location"))
    return f"{address} {where}" if address else place


def fallbacks_out_of_reach(facts: Facts) -> None:
    most = facts.said.routing.retries.max_attempts
    for name in facts.said.fallbacks:
        many = len(facts.open_offers(name))
        if many >= most and not _is_split(facts, name):
            offers = "1 offer" if many == 1 else f"{many} offers"
            message = f"a request makes {most} attempts, and `{name}` alone has {offers}: no fallback gets its turn"
            hint = f"raise `routing.retries.max_attempts` above {many}"
            facts.complain("TH2116", ("fallbacks", name), message, hint, key=True)


def _is_split(facts: Facts, name: str) -> bool:
    """Only one part of a split is tried."""
    alias = facts.said.aliases.get(name)
    if isinstance(alias, str | PlainAlias):
        return _is_split(facts, targets(alias)[0]) if targets(alias)[0] != name else False
    return isinstance(alias, SplitAlias)


def strangers_in_a_set(facts: Facts) -> None:
    """Members that serve another endpoint than the first never get its requests, or spoil them."""
    lists: list[tuple[Path, frozenset[str], tuple[str, ...]]] = []
    for name, alias in facts.said.aliases.items():
        if isinstance(alias, TierAlias | SplitAlias):
            part = "tier" if isinstance(alias, TierAlias) else "split"
            lists.append((("aliases", name, part), facts.calls_of(targets(alias)[0]), targets(alias)))
    lists += [(("fallbacks", name), facts.calls_of(name), chain) for name, chain in facts.said.fallbacks.items()]
    lists.append((("wildcard_models",), frozenset({"chat", "completions"}), facts.said.wildcard_models))
    for path, first, names in lists:
        for index, name in enumerate(names):
            calls = facts.calls_of(name)
            if first and calls and not first & calls:
                serves, wanted = " and ".join(sorted(calls)), " and ".join(sorted(first))
                place = (*path, index, "model") if path[-1] == "split" else (*path, index)
                facts.complain("TH2121", place, f"`{name}` serves {serves}; what comes here is {wanted}", "remove it")


def mixed_vectors(facts: Facts) -> None:
    """Vectors of two models cannot be compared: a search over both finds nonsense."""
    for path, names in _alternatives(facts):
        embedding = [name for name in names if facts.calls_of(name) == {"embeddings"}]
        models = {model: None for name in embedding for model in facts.models_of(name)}
        if len(models) > 1:
            listed = " and ".join(f"`{model}`" for model in models)
            message = f"{listed} give vectors that cannot be compared, and callers would get now these, now those"
            facts.complain("TH2120", path, message, "let each name embed with one model only", key=True)


def _alternatives(facts: Facts) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for name, alias in facts.said.aliases.items():
        if isinstance(alias, TierAlias | SplitAlias):
            yield ("aliases", name), targets(alias)
    for name, chain in facts.said.fallbacks.items():
        yield ("fallbacks", name), (name, *chain)


def keys_without_a_call(facts: Facts) -> None:
    served: dict[frozenset[str], frozenset[str]] = {}
    for number, key in enumerate(facts.said.keys):
        calls = frozenset().union(*(CALLS_OF_SCOPE.get(scope, frozenset()) for scope in key.scopes))
        mine = facts.offers_of_key(key) if calls else frozenset()
        if not mine:
            continue
        if mine not in served:
            served[mine] = frozenset().union(*map(facts.calls_of_offer, mine))
        if not calls & served[mine]:
            scopes = " and ".join(f"`{scope}`" for scope in key.scopes if scope in CALLS_OF_SCOPE)
            message = f"none of the models of `{key.name}` serves what its scopes permit ({scopes})"
            facts.complain("TH2409", ("keys", number, "scopes"), message, "widen its scopes or its models", key=True)


RULES: tuple[Callable[[Facts], None], ...] = (
    rungs_below_their_equals,
    shadowed_ladder,
    shadowed_ids,
    chains_that_fall_as_one,
    fallbacks_out_of_reach,
    strangers_in_a_set,
    mixed_vectors,
    keys_without_a_call,
)
