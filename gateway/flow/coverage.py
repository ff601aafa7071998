"""What the tests of a configuration never look at: offers, aliases, rungs and fallbacks."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from gateway.config.permits import targets
from gateway.domain.plan import Step
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Table
from gateway.flow.prove import Proof


class Share(Struct, frozen=True):
    """Of one kind of thing."""

    reached: int
    of: int
    missed: tuple[str, ...]
    """In the order of their names or ranks."""


class Coverage(Struct, frozen=True):
    offers: Share
    aliases: Share
    rungs: Share
    fallbacks: Share


def coverage(snapshot: Snapshot, proofs: Iterable[Proof]) -> Coverage:
    """A step is reached if a test says what becomes of it: it would serve, or it stands in an asserted `then`."""
    table = snapshot.table
    reached: set[str] = set()
    for proof in proofs:
        reached.update(_reached(table, proof))
    return Coverage(
        offers=_share((f"offer {name}" for name in _open_offers(table)), reached),
        aliases=_share((f"alias {name}" for name, alias in table.aliases.items() if alias.enabled), reached),
        rungs=_share((f"rung {rank} ({name})" for rank, name in enumerate(table.wildcard_models)), reached),
        fallbacks=_share(
            (
                f"fallback {number} of {name} ({target})"
                for name, chain in table.fallbacks.items()
                for number, target in enumerate(chain, 1)
            ),
            reached,
        ),
    )


def _open_offers(table: Table) -> list[str]:
    """Names of those that could serve at all."""
    return sorted(
        offer.name
        for model in table.models.values()
        if model.enabled
        for offer in model.offers
        if table.providers[offer.provider].enabled
    )


def _share(all_of_them: Iterable[str], reached: set[str]) -> Share:
    known = list(all_of_them)
    missed = tuple(name for name in known if name not in reached)
    return Share(len(known) - len(missed), len(known), missed)


def _reached(table: Table, proof: Proof) -> Iterator[str]:
    plan = proof.seen.plan
    if plan is None or proof.seen.error is not None:
        return
    names = list(_names_on_the_way(table, plan.asked))
    yield from (f"alias {name}" for name in names if name in table.aliases)
    for step in plan.steps[: 1 + len(proof.expect.then or ())]:
        yield f"offer {step.offer.name}"
        yield from _place_in_chain(table, step, names)


def _names_on_the_way(table: Table, asked: str) -> Iterator[str]:
    """The name asked for, and every alias and model it may lead through."""
    waiting, seen = [asked], {asked}
    while waiting:
        name = waiting.pop(0)
        yield name
        alias = table.aliases.get(name)
        offer = table.offers.get(name)
        further = targets(alias) if alias is not None else (offer.model,) if offer is not None else ()
        waiting += [target for target in further if target not in seen]
        seen.update(further)


def _place_in_chain(table: Table, step: Step, names: list[str]) -> Iterator[str]:
    kind, _, number = step.reason.rpartition("-")
    if kind == "wildcard-rank":
        yield f"rung {number} ({table.wildcard_models[int(number)]})"
    elif kind == "fallback":
        chain = next((name for name in names if name in table.fallbacks), None)
        if chain is not None and int(number) <= len(table.fallbacks[chain]):
            yield f"fallback {number} of {chain} ({table.fallbacks[chain][int(number) - 1]})"
