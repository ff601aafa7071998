"""Names that mean two things, or look as if they did."""

from collections.abc import Iterable

from gateway.config.check_meaning.facts import Facts
from gateway.config.compile_settings import LEARNING_MODE
from gateway.config.tree import Path


def aliases_that_are_models(facts: Facts) -> None:
    for name in facts.said.aliases:
        if name in facts.said.models:
            message = f"`{name}` is also a model, in {facts.place(('models', name))}"
            facts.complain("TH2101", ("aliases", name), message, "give one of them another name", key=True)


def names_that_are_offers(facts: Facts) -> None:
    named = [(("models", name), name) for name in facts.said.models]
    named += [(("aliases", name), name) for name in facts.said.aliases]
    for path, name in named:
        if "/" not in name:
            continue
        others = {facts.offers[name][0]} if name in facts.offers else set()
        others |= {facts.offers[offer][0] for offer in facts.offers_by_id.get(name, ())}
        others.discard(name)
        if others:
            message = f"`{name}` also names the offer of `{min(others)}` at `{name.partition('/')[0]}`"
            facts.complain("TH2103", path, message, "give it another name", key=True)


def names_equal_but_for_case(facts: Facts) -> None:
    said = facts.said
    _equal(facts, [*((("models", n), n) for n in said.models), *((("aliases", n), n) for n in said.aliases)])
    _equal(facts, [(("providers", n), n) for n in said.providers])
    _equal(facts, [(("keys", index, "name"), key.name) for index, key in enumerate(said.keys)])


def _equal(facts: Facts, named: Iterable[tuple[Path, str]]) -> None:
    first: dict[str, tuple[Path, str]] = {}
    for path, name in named:
        other = first.setdefault(name.lower(), (path, name))
        if other[1] != name:
            message = f"`{name}` differs from `{other[1]}` (in {facts.place(other[0])}) by case only"
            facts.complain("TH2102", path, message, "give one of them another name", key=path[0] != "keys")


def reserved_names(facts: Facts) -> None:
    for name in facts.said.models:
        if name in {"auto", "*"}:
            facts.complain("TH2111", ("models", name), f"`{name}` is reserved and cannot name a model", key=True)
    if "auto" in facts.said.aliases:
        facts.complain("TH2111", ("aliases", "auto"), "`auto` is reserved: it stands for every model", key=True)
    if "tokenhub" in facts.said.providers:
        message = "`tokenhub` is reserved: it is the provider of answers made here"
        facts.complain("TH2111", ("providers", "tokenhub"), message, key=True)
    if LEARNING_MODE in facts.said.routing.modes:
        message = f"`{LEARNING_MODE}` is reserved: this mode learns and has no weights"
        facts.complain("TH2111", ("routing", "modes", LEARNING_MODE), message, key=True)


RULES = (aliases_that_are_models, names_that_are_offers, names_equal_but_for_case, reserved_names)
