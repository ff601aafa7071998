"""Turn the text of one file into a tree, by the rules of YAML 1.2 and by ours: no tags, no bombs, no surprises."""

import re
from typing import Any

import yaml

from gateway.config.findings import Findings
from gateway.config.syntax import explain_syntax
from gateway.config.tree import BROKEN, Node, Source, Spot

DEPTH = 32
EXPANDED = 100_000
"""Nodes that may come from aliases: enough for any honest file, too few for a bomb."""

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": float("inf"), ".Inf": float("inf"), ".INF": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"),
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip
_NUMERIC = frozenset("-+.0123456789")


class _TooDeepError(Exception):
    def __init__(self, node: yaml.Node) -> None:
        super().__init__()
        self.node = node


class _Composer(yaml.CSafeLoader):
    """Composes nodes without guessing types, and stops before the stack does."""

    depth = 0

    def descend_resolver(self, parent: Any, _: Any) -> None:
        self.depth += 1
        if self.depth > DEPTH + 1:
            raise _TooDeepError(parent)

    def ascend_resolver(self) -> None:
        self.depth -= 1

    def resolve(self, *_: Any) -> str:
        return ""


def compose(source: Source, findings: Findings, walk: "type[Walk] | None" = None) -> Node | None:
    """The tree of a file, or None where there is none; everything odd is in `findings`."""
    loader = _Composer(source.text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        explain_syntax(source, error, findings)
        return None
    except _TooDeepError as error:
        spot = _spot(source, error.node)
        findings.add(
            "TH1108", spot, f"nested more than {DEPTH} levels deep", "flatten it; nothing here needs this depth"
        )
        return None
    finally:
        loader.dispose()
    if root is None:
        findings.add("TH1006", Spot(source, 1, 1, 1), "the file is empty", "begin with `version: 1`")
        return None
    return (walk or Walk)(source, findings).node(root, None)


def _spot(source: Source, node: yaml.Node) -> Spot:
    start, end = node.start_mark, node.end_mark or node.start_mark
    length = end.column - start.column if end.line == start.line else 0
    return Spot(source, start.line + 1, start.column + 1, length)


class Walk:
    """Once through the nodes of a file."""

    def __init__(self, source: Source, findings: Findings) -> None:
        self.source = source
        self.findings = findings
        self.open: set[int] = set()
        self.seen: set[int] = set()
        self.expanded = 0

    def node(self, raw: yaml.Node, key: Spot | None) -> Node:
        start, end = raw.start_mark, raw.end_mark
        line = start.line
        length = end.column - start.column if end.line == line else 0
        if raw.tag and not self._is_harmless(raw):
            value: Any = BROKEN
        elif isinstance(raw, yaml.ScalarNode):
            quoted = raw.style != ""
            value = raw.value if quoted else self._scalar(raw.value, raw)
            return Node(value, self.source, line + 1, start.column + 1, length, quoted, key)
        else:
            value = self._collection(raw)
        return Node(value, self.source, line + 1, start.column + 1, length, False, key)

    def _is_harmless(self, raw: yaml.Node) -> bool:
        tag = raw.tag.replace("tag:yaml.org,2002:", "!!")
        hint = "remove the tag; the kind of a value follows from how it is written"
        self.findings.add("TH1105", _spot(self.source, raw), f"the tag `{tag}` is not allowed", hint)
        return False

    def _scalar(self, text: str, raw: yaml.Node) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMERIC:
            return text
        if _INT.fullmatch(text):
            return self._whole(text, 10, raw)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _OCTAL.fullmatch(text):
            return self._whole(text[2:], 8, raw)
        if _HEX.fullmatch(text):
            return self._whole(text[2:], 16, raw)
        return text

    def _whole(self, digits: str, base: int, raw: yaml.Node) -> Any:
        number = int(digits, base) if len(digits) <= 64 else 2**64
        if -(2**63) <= number < 2**63:
            return number
        message = f"a number of {len(digits)} digits is too large"
        self.findings.add("TH1110", _spot(self.source, raw), message, "quote it if it is a name")
        return BROKEN

    def _collection(self, raw: yaml.Node) -> Any:
        mark = id(raw)
        if mark in self.open:
            self.circle(raw)
            return BROKEN
        if mark in self.seen and not self.may_expand(raw):
            return BROKEN
        self.seen.add(mark)
        self.open.add(mark)
        value = self._map(raw) if isinstance(raw, yaml.MappingNode) else [self.node(item, None) for item in raw.value]
        self.open.discard(mark)
        return value

    def circle(self, raw: yaml.Node) -> None:
        message = "this alias contains itself"
        self.findings.add("TH1107", _spot(self.source, raw), message, "write the value out instead of `*…`")

    def may_expand(self, raw: yaml.Node) -> bool:
        self.expanded += len(raw.value) + 1
        if self.expanded <= EXPANDED:
            return True
        if self.expanded < 2**62:
            message = f"its aliases expand to more than {EXPANDED} values"
            self.findings.add("TH1106", _spot(self.source, raw), message, "write fewer aliases of aliases")
            self.expanded = 2**62
        return False

    def _map(self, raw: yaml.MappingNode) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key, value in self.pairs(raw):
            spot = _spot(self.source, key)
            name = self._name(key, spot)
            if name is None:
                continue
            if name in entries:
                first = entries[name].key
                message = f"`{name}` is set twice here; first in line {first.line if first else 0}"
                self.findings.add("TH1103", spot, message, "remove one of the two")
                continue
            entries[name] = self.node(value, spot)
        return entries

    def pairs(self, raw: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
        """What stands in a map, as written."""
        return list(raw.value)

    def _name(self, key: yaml.Node, spot: Spot) -> str | None:
        if not isinstance(key, yaml.ScalarNode) or key.tag:
            self.findings.add("TH1109", spot, "a key must be plain text")
            return None
        if key.value == "<<" and key.style == "":
            message = "merge keys (`<<`) are not part of YAML 1.2 and not supported"
            self.findings.add(
                "TH1111", spot, message, "write the keys out, or put them into a file of their own and `include:` it"
            )
            return None
        if key.style == "" and not isinstance(self._scalar(key.value, key), str):
            message = f"the key `{key.value[:40]}` is not text" if key.value else "there is no key before the `:`"
            self.findings.add("TH1109", spot, message, f'quote it: `"{key.value[:40]}"`')
            return None
        return str(key.value)
