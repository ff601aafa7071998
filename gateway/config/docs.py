"""What the docstrings of the language say, read from the source when schema and manual are printed."""

import ast
import inspect
import re
import sys
from functools import cache
from itertools import pairwise
from typing import Any

import yaml
from msgspec import Struct

_EXAMPLES = re.compile(r"\s*For example (.+?)\.?$", re.DOTALL)
_QUOTED = re.compile(r"`([^`]+)`")


class FieldDoc(Struct, frozen=True):
    text: str
    """Without the sentence of examples."""
    examples: tuple[str, ...]


def about(struct: type[Struct]) -> str:
    """The sentence about a section."""
    return inspect.cleandoc(struct.__doc__ or "")


@cache
def about_fields(struct: type[Struct]) -> dict[str, FieldDoc]:
    """The sentence below each field."""
    body = _classes(struct.__module__)[struct.__name__].body
    found: dict[str, FieldDoc] = {}
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(below):
            found[field.target.id] = _doc(inspect.cleandoc(below.value.value))  # type: ignore[attr-defined]
    return found


def value_of(example: str) -> Any:
    """An example as a value."""
    return yaml.safe_load(example) if example.startswith(("{", "[")) or example[:1].isdigit() else example


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _doc(text: str) -> FieldDoc:
    text = " ".join(text.split())
    match = _EXAMPLES.search(text)
    if match is None:
        return FieldDoc(text, ())
    return FieldDoc(text[: match.start()].strip(), tuple(_QUOTED.findall(match[1])))
