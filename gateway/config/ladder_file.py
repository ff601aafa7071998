"""The ladder of `*` in a file of its own: YAML or JSON, with the same care for places as the configuration."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from gateway.config.compose import compose
from gateway.config.findings import Findings
from gateway.config.problem import Problem, in_order
from gateway.config.sources import Library
from gateway.config.tree import Node, Spot

MOST = 50
HINT = "a list of model names, for example `[gpt-4o, claude-sonnet-4]`"


class LadderFile(Struct, frozen=True):
    """What the file says: rungs, or why it cannot be used."""

    models: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_ladder_file(path: Path) -> LadderFile:
    """`[name, …]`, `[{model_id: name}, …]` or `{models: […]}`; one to fifty names, none twice, none of them `*`."""
    findings = Findings()
    source = Library(findings).read(path, None)
    tree = None if source is None else compose(source, findings)
    models = () if tree is None else _rungs(tree, findings)
    return LadderFile(models, tuple(in_order(findings.problems)))


def _rungs(tree: Node, findings: Findings) -> tuple[str, ...]:
    held = tree.value.get("models") if isinstance(tree.value, dict) else tree
    if held is None or not isinstance(held.value, list):
        findings.add("TH1403", _start(held or tree), "expected a list of model names", HINT)
        return ()
    if not 1 <= len(held.value) <= MOST:
        findings.add("TH1409", _start(held), f"expected 1 to {MOST} model names, found {len(held.value)}", HINT)
        return ()
    names: list[str] = []
    for node in held.value:
        name = _name(node, findings)
        if name in names:
            findings.add("TH2107", node.spot, f"`{name}` stands here twice", "remove one of them")
        names.append(name)
    return tuple(names)


def _name(node: Node, findings: Findings) -> str:
    inner: Any = node.value.get("model_id") if isinstance(node.value, dict) else node
    text = inner.value if isinstance(inner, Node) else None
    if isinstance(text, str) and text.strip() and text.strip() != "*":
        return text.strip()
    findings.add("TH1406", node.spot, "expected the name of a model, neither empty nor `*`", HINT)
    return ""


def _start(node: Node) -> Spot:
    return node.spot._replace(length=1)
