"""Ask whether what is well written can also be meant: a table of small rules."""

from collections.abc import Mapping

from gateway.config.findings import Findings
from gateway.config.shape import Declaration
from gateway.config.tree import Node
from gateway.config.world import World

__all__ = ["check_meaning"]


def check_meaning(
    declaration: Declaration, tree: Node, values: Mapping[str, str], world: World, findings: Findings
) -> None:
    """Every rule, one after the other; none depends on another."""
