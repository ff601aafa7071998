"""Write a merged tree down again: as YAML with the origin of every leaf behind it, or as JSON beside its origins."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.config.check_meaning.facts import names_secret
from gateway.config.gather import SHIPPED
from gateway.config.references import is_inline
from gateway.config.tree import Node, Path, written

CONSUMED = frozenset({"include", "overlay"})
"""Followed on the way here."""

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./*@+-]*( [A-Za-z0-9_./*@+-]+)*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_USERINFO = re.compile(r"(?<=://)([^/\s@:]*):([^/\s@]*)(?=@)")
HIDDEN = "***"
_SHIPPED = f"{SHIPPED}/"


def as_yaml(tree: Node) -> str:
    """One file that means the same as all of them."""
    lines = [(text, leaf) for name, node in _top(tree) for text, leaf in _entry(name, node, (name,), "")]
    width = min(60, max((len(text) for text, leaf in lines if leaf), default=0))
    return "".join(f"{text:<{width}}  # {_origin(leaf)}\n" if leaf else f"{text}\n" for text, leaf in lines)


def as_plain_yaml(tree: Node) -> str:
    """The same without a word about where anything comes from."""
    return "".join(f"{text}\n" for name, node in _top(tree) for text, _ in _entry(name, node, (name,), ""))


def hidden(tree: Node) -> Iterator[str]:
    """The paths of everything that is not shown as it is."""
    for name, node in _top(tree):
        yield from _hidden(node, (name,))


def as_json(tree: Node) -> str:
    """`{"config": …, "origins": {path: "file:line:column"}}`."""
    origins: dict[str, str] = {}
    config = {name: _value(node, (name,), origins) for name, node in _top(tree)}
    answer = msgspec.json.encode({"config": config, "origins": origins})
    return msgspec.json.format(answer, indent=2).decode() + "\n"


def _top(tree: Node) -> list[tuple[str, Node]]:
    return [(name, node) for name, node in tree.value.items() if name not in CONSUMED]


Line = tuple[str, Node | None]


def _entry(name: str, node: Node, path: Path, indent: str) -> list[Line]:
    return _below(f"{indent}{_text(name)}:", node, path, indent + "  ")


def _below(head: str, node: Node, path: Path, indent: str) -> list[Line]:
    value = node.value
    if isinstance(value, dict) and value:
        inner = [line for name, child in value.items() for line in _entry(name, child, (*path, name), indent)]
        return [(head, None), *inner]
    if isinstance(value, list) and any(isinstance(item.value, dict | list) for item in value):
        items = [line for index, item in enumerate(value) for line in _item(item, (*path, index), indent)]
        return [(head, None), *items]
    return [(f"{head} {_leaf(node, path)}", node)]


def _item(node: Node, path: Path, indent: str) -> list[Line]:
    if not isinstance(node.value, dict | list) or not node.value:
        return [(f"{indent}- {_leaf(node, path)}", node)]
    lines = _below("", node, path, indent + "  ")[1:] or _below("", node, path, indent + "  ")
    (first, origin), *rest = lines
    return [(f"{indent}- {first.strip()}", origin), *rest]


def _leaf(node: Node, path: Path) -> str:
    value = node.value
    if isinstance(value, list):
        return "[" + ", ".join(_leaf(item, path) for item in value) + "]"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, str):
        return _text(_shown(value, path))
    return _scalar(value)


def _scalar(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _text(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else msgspec.json.encode(text).decode()


def _shown(text: str, path: Path) -> str:
    """References as they are, what is secret as stars."""
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    secret = name in {"api_key", "secret"} or (
        len(path) > 2 and path[-2] in {"headers", "options"} and names_secret(name)
    )
    if secret and is_inline(text):
        return HIDDEN
    return _USERINFO.sub(lambda match: f"{match[1]}:{HIDDEN}" if is_inline(match[2]) else match[0], text)


def _value(node: Node, path: Path, origins: dict[str, str]) -> Any:
    value = node.value
    if isinstance(value, dict) and value:
        return {name: _value(child, (*path, name), origins) for name, child in value.items()}
    if isinstance(value, list) and any(isinstance(item.value, dict | list) for item in value):
        return [_value(item, (*path, index), origins) for index, item in enumerate(value)]
    origins[written(path)] = f"{_origin(node)}:{node.column}"
    if isinstance(value, list):
        return [_shown(item.value, path) if isinstance(item.value, str) else item.value for item in value]
    return _shown(value, path) if isinstance(value, str) else value


def _hidden(node: Node, path: Path) -> Iterator[str]:
    value = node.value
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _hidden(child, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _hidden(item, (*path, index))
    elif isinstance(value, str) and _shown(value, path) != value:
        yield written(path)


def _origin(node: Node | None) -> str:
    """Shipped files by the name they are included by."""
    return f"{node.source.name.removeprefix(_SHIPPED)}:{node.line}" if node else ""
