"""Ask whether what is well written can also be meant: a table of small rules, none of which depends on another."""

from collections.abc import Callable, Mapping

from gateway.config.check_meaning import (
    capacity,
    chains,
    collisions,
    keys,
    models,
    names,
    process,
    promises,
    providers,
    reach,
)
from gateway.config.check_meaning.facts import Facts
from gateway.config.findings import Findings
from gateway.config.shape import Declaration
from gateway.config.tree import Node
from gateway.config.world import World

__all__ = ["RULES", "check_meaning"]

RULES: tuple[Callable[[Facts], None], ...] = (
    *names.RULES,
    *collisions.RULES,
    *chains.RULES,
    *reach.RULES,
    *capacity.RULES,
    *providers.RULES,
    *models.RULES,
    *keys.RULES,
    *process.RULES,
    *promises.RULES,
)


def check_meaning(
    declaration: Declaration, tree: Node, values: Mapping[str, str], world: World, findings: Findings
) -> None:
    """Every rule over the whole declaration."""
    facts = Facts(declaration, tree, values, world, findings)
    for rule in RULES:
        rule(facts)
