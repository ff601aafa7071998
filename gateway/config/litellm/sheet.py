"""Read a map key by key, so that in the end nothing is left of which nobody knows what became of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from gateway.config.tree import Node, Path, written

Kind = Literal["lost", "approximated", "assumed", "secret"]
"""`secret`: written out there, a reference here; somebody has to set the variable."""

_OF_THE_ENVIRONMENT = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
_FAKE = frozenset(
    {"", "none", "null", "empty", "dummy", "fake", "fake-key", "no-key", "sk-no-key-required", "anything"}
)


class Loss(Struct, frozen=True, kw_only=True):
    """One thing that is not here as it was there."""

    kind: Kind
    path: str
    line: int
    column: int
    why: str


class Report:
    """Grows while the file is read."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self._variables: dict[str, str] = {}

    def variable_for(self, wanted: str, value: str) -> str:
        """A name of its own for each secret that was written out."""
        name, number = wanted, 1
        while self._variables.setdefault(name, value) != value:
            number += 1
            name = f"{wanted}_{number}"
        return name

    def note(self, kind: Kind, node: Node, path: Path, why: str) -> None:
        spot = node.key or node.spot
        self.losses.append(Loss(kind=kind, path=written(path), line=spot.line, column=spot.column, why=why))


class Sheet:
    """One map, and which of its keys were asked for."""

    def __init__(self, node: Node | None, path: Path, report: Report) -> None:
        value = node.value if node is not None else None
        self.node = node
        self.path = path
        self.report = report
        self.entries: dict[str, Node] = value if isinstance(value, dict) else {}
        self._taken: set[str] = set()
        if node is not None and not isinstance(value, dict) and value is not None:
            report.note("lost", node, path, "expected a map")

    def take(self, name: str) -> Node | None:
        """The value under a key that is there and says something."""
        self._taken.add(name)
        node = self.entries.get(name)
        return None if node is None or node.value is None else node

    def sheet(self, name: str) -> "Sheet":
        return Sheet(self.take(name), (*self.path, name), self.report)

    def sheets(self, name: str) -> list["Sheet"]:
        """Every map of a list."""
        return [Sheet(item, (*self.path, name, index), self.report) for index, item in enumerate(self.items(name))]

    def items(self, name: str) -> list[Node]:
        node = self.take(name)
        if node is not None and not isinstance(node.value, list):
            self.note("lost", name, "expected a list")
        return node.value if node is not None and isinstance(node.value, list) else []

    def text(self, name: str) -> str | None:
        """As written, but with references in our words."""
        node = self.take(name)
        if node is None or isinstance(node.value, dict | list):
            return None
        return referring(str(node.value))

    def number(self, name: str) -> float | None:
        node = self.take(name)
        if node is None:
            return None
        try:
            return float(node.value)
        except (TypeError, ValueError):
            self.note("lost", name, "expected a number")
            return None

    def flag(self, name: str) -> bool:
        node = self.take(name)
        return node is not None and str(node.value).lower() == "true"

    def secret(self, name: str, variable: str) -> str | None:
        """A reference, whatever is written; what is written out moves to a variable and is not repeated."""
        text = self.text(name)
        if text is None or text.startswith("${env:"):
            return text
        if text.lower() in _FAKE:
            self.note("approximated", name, "not a key; left out")
            return None
        variable = self.report.variable_for(variable, text)
        self.note("secret", name, f"written out there; set {variable} in the gateway's environment")
        return f"${{env:{variable}}}"

    def note(self, kind: Kind, name: str, why: str) -> None:
        node = self.entries.get(name) or self.node
        if node is not None:
            self.report.note(kind, node, (*self.path, name), why)

    def rest(self, whys: Mapping[str, str], otherwise: str) -> None:
        """Tell of every key that nobody asked for, but not of what is switched off."""
        for name, node in self.entries.items():
            if name not in self._taken and node.value is not False:
                self.note("lost", name, whys.get(name, otherwise))


def referring(text: str) -> str:
    """`os.environ/NAME` is `${env:NAME}` here."""
    return _OF_THE_ENVIRONMENT.sub(lambda match: f"${{env:{match[1]}}}", text)


def pairs(nodes: list[Node]) -> Iterator[tuple[str, Node]]:
    """Of a list of maps with one key each, as fallbacks are written there."""
    for node in nodes:
        if isinstance(node.value, dict):
            yield from node.value.items()


def plain(node: Node) -> Any:
    """Without positions."""
    value = node.value
    if isinstance(value, dict):
        return {name: plain(child) for name, child in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
