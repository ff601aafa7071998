"""Read a map key by key, so that in the end nothing is left of which nobody knows what became of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from gateway.config.references import malformed
from gateway.config.tree import Node, Path, written

Kind = Literal["lost", "approximated", "assumed", "secret"]
"""`secret`: written out there, a reference here; somebody has to set the variable."""

_OF_THE_ENVIRONMENT = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
_OF_ANOTHER_TOOL = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^{}]*)?\}")
_YES = frozenset({"true", "yes", "on", "y"})
_MEANT_AS_NO = frozenset({"ssl_verify"})
"""Settings that mean something where they are switched off."""
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
        self._losses: dict[Loss, None] = {}
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
        self._losses[Loss(kind=kind, path=written(path), line=spot.line, column=spot.column, why=why)] = None

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Each once, in the order of the file."""
        return tuple(sorted(self._losses, key=lambda loss: (loss.line, loss.column, loss.path)))


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

    def pairs(self, name: str) -> Iterator[tuple[str, Node]]:
        """Of a list of maps with one key each, as fallbacks are written there, or of a map, as many write them."""
        node = self.take(name)
        entries = [node] if node is not None and isinstance(node.value, dict) else self.items(name)
        for index, entry in enumerate(entries):
            if isinstance(entry.value, dict):
                yield from entry.value.items()
            else:
                self.report.note("lost", entry, (*self.path, name, index), "expected a map of a model to a list")

    def text(self, name: str) -> str | None:
        """As written, but with references in our words."""
        node = self.take(name)
        if node is None or isinstance(node.value, dict | list):
            if node is not None:
                self.note("lost", name, "expected text")
            return None
        text = referring(str(node.value))
        if malformed(text) is not None or "{{" in text:
            self.note("lost", name, "a template of another tool: fill it in before it is imported")
            return None
        return text

    def number(self, name: str) -> float | None:
        node = self.take(name)
        if node is None:
            return None
        try:
            return float(node.value)
        except (TypeError, ValueError):
            self.note("lost", name, "expected a number, written out")
            return None

    def flag(self, name: str) -> bool:
        node = self.take(name)
        return node is not None and str(node.value).lower() in _YES

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
            if name not in self._taken and (node.value is not False or name in _MEANT_AS_NO):
                self.note("lost", name, whys.get(name, otherwise))


def referring(text: str) -> str:
    """`os.environ/NAME` is `${env:NAME}` here, and so is `${NAME}`, which other tools fill in."""
    text = _OF_ANOTHER_TOOL.sub(lambda match: f"${{env:{match[1]}{match[2] or ''}}}", text)
    return _OF_THE_ENVIRONMENT.sub(lambda match: f"${{env:{match[1]}}}", text)
