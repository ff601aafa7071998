"""Aliases of aliases, fallbacks of fallbacks, ladders: no circles, nothing endless, nothing twice, nothing dead."""

from collections.abc import Callable, Iterator, Mapping

from gateway.config.check_meaning.facts import Facts, is_enabled, target_paths, targets
from gateway.config.shape.offering import PlainAlias
from gateway.config.tree import Path

LONGEST = 8

Graph = Mapping[str, tuple[str, ...]]


def alias_circles(facts: Facts) -> None:
    graph = {name: targets(alias) for name, alias in facts.said.aliases.items() if name not in facts.said.models}
    for circle in circles(graph):
        message = "aliases in a circle: " + " -> ".join(circle)
        facts.complain("TH2104", ("aliases", circle[0]), message, "let one of them name a model", key=True)
    for name in too_long(graph):
        message = f"`{name}` leads through more than {LONGEST} aliases"
        facts.complain("TH2106", ("aliases", name), message, "let it name the model itself", key=True)


def fallback_circles(facts: Facts) -> None:
    graph = {
        _behind(facts, name): tuple(_behind(facts, target) for target in chain)
        for name, chain in facts.said.fallbacks.items()
    }
    written = {_behind(facts, name): name for name in facts.said.fallbacks}
    for circle in circles(graph):
        name = written[circle[0]]
        message = "fallbacks in a circle: " + " -> ".join(circle)
        facts.complain("TH2105", ("fallbacks", name), message, "remove one of these fallbacks", key=True)
    long = {written[name] for name in too_long(graph)}
    long |= {name for name, chain in facts.said.fallbacks.items() if len(chain) > LONGEST}
    for name in sorted(long):
        message = f"the fallbacks of `{name}` are a chain of more than {LONGEST}"
        facts.complain("TH2106", ("fallbacks", name), message, f"keep the best {LONGEST}", key=True)


def _behind(facts: Facts, name: str) -> str:
    """What a plain alias stands for."""
    seen = {name}
    while name in facts.said.aliases and name not in facts.said.models:
        alias = facts.said.aliases[name]
        if not isinstance(alias, str | PlainAlias):
            break
        name = targets(alias)[0]
        if name in seen:
            break
        seen.add(name)
    return name


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """Each circle once, from its first name round to it again; without recursion, so that nothing is too long."""
    return _walk(graph)[0]


def too_long(graph: Graph) -> list[str]:
    """Names from which one step more than LONGEST can be gone: longer chains lead through one of these."""
    return [name for name, steps in _walk(graph)[1].items() if steps == LONGEST + 1]


def _walk(graph: Graph) -> tuple[list[tuple[str, ...]], dict[str, int]]:
    """Once along every edge, depth first: the circles, and the longest way down from each name."""
    found: list[tuple[str, ...]] = []
    steps: dict[str, int] = {}
    for start in graph:
        trail: list[tuple[str, Iterator[str]]] = [] if start in steps else [(start, iter(graph[start]))]
        within = {start}
        while trail:
            name, rest = trail[-1]
            following = next(rest, None)
            if following is None:
                steps[name] = max((1 + steps.get(target, 0) for target in graph[name]), default=0)
                trail.pop()
                within.discard(name)
            elif following in within:
                names = [each for each, _ in trail]
                found.append((*names[names.index(following) :], following))
            elif following in graph and following not in steps:
                trail.append((following, iter(graph[following])))
                within.add(following)
    return found, steps


def repeated_names(facts: Facts) -> None:
    lists: list[tuple[Path, tuple[str, ...]]] = [(("wildcard_models",), facts.said.wildcard_models)]
    lists += [(("fallbacks", name), chain) for name, chain in facts.said.fallbacks.items()]
    lists += [
        (("aliases", name, "tier"), targets(alias))
        for name, alias in facts.said.aliases.items()
        if not isinstance(alias, str) and hasattr(alias, "tier")
    ]
    for path, names in lists:
        for index, name in enumerate(names):
            if name in names[:index]:
                message = f"`{name}` is already number {names.index(name) + 1} of this list"
                facts.complain("TH2107", (*path, index), message, "remove it")


def dead_names(facts: Facts) -> None:
    for index, rung in enumerate(facts.said.wildcard_models):
        _dead(facts, ("wildcard_models", index), rung, "rung")
    for name, chain in facts.said.fallbacks.items():
        for index, target in enumerate(chain):
            _dead(facts, ("fallbacks", name, index), target, "fallback")
    for name, alias in facts.said.aliases.items():
        if isinstance(alias, str):
            _dead(facts, ("aliases", name), alias, "target")
        elif is_enabled(alias):
            for target, path in zip(targets(alias), target_paths(name, alias), strict=True):
                _dead(facts, path, target, "target" if isinstance(alias, PlainAlias) else "member")
    if facts.said.defaults.default_model is not None:
        _dead(facts, ("defaults", "default_model"), facts.said.defaults.default_model, "default model")


def _dead(facts: Facts, path: Path, name: str, word: str) -> None:
    if name in facts.said.models and not facts.is_callable(name):
        why = "disabled" if not facts.said.models[name].enabled else "without an enabled provider"
        facts.complain("TH2108", path, f"the {word} `{name}` is {why}: it is always passed over", "enable or remove it")
    elif name in facts.said.aliases and not is_enabled(facts.said.aliases[name]):
        facts.complain("TH2108", path, f"the {word} `{name}` is disabled: it is always passed over", "remove it")


def fallbacks_in_one_place(facts: Facts) -> None:
    for name, chain in facts.said.fallbacks.items():
        places = facts.providers_of(name).union(*(facts.providers_of(target) for target in chain))
        if len(places) == 1 and facts.is_name(name) and all(facts.is_target(target) for target in chain):
            message = f"`{name}` and all its fallbacks are at `{min(places)}`: when it is down, so are they"
            facts.complain("TH2109", ("fallbacks", name), message, "add a model at another provider", key=True)


RULES: tuple[Callable[[Facts], None], ...] = (
    alias_circles,
    fallback_circles,
    repeated_names,
    dead_names,
    fallbacks_in_one_place,
)
