"""The page of faults tells the truth: every row is there, and every test it names exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT.parent / "docs" / "faults.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([A-Z]\d\d?) \| (.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")

NO_TEST = {
    "U17": "Does not apply",
    "B09": "There is no alert",
    "A09": "Does not apply",
    "W03": "each process has seen itself",
}
"""Rows that say why they have none."""


def ids(letter: str, *ranges: int | tuple[int, int]) -> Iterator[str]:
    for one in ranges:
        first, last = one if isinstance(one, tuple) else (one, one)
        yield from (f"{letter}{number:02}" for number in range(first, last + 1))


EXPECTED = {
    *ids("C", (1, 47)), *ids("U", (1, 21)), *ids("S", (1, 26)), *ids("B", (1, 18)), *ids("E", (1, 34)),
    *ids("T", (1, 11)), *ids("X", 1, (6, 10), 14, (18, 20), 29, 32), *ids("O", 1, (5, 7), 10),
    *ids("P", (1, 5), 8, (11, 13)), *ids("D", (1, 22)), *ids("W", (1, 11)), *ids("Z", (1, 8)),
    *ids("A", (1, 21)),
    *(f"G{number}" for number in range(1, 10)),
}  # fmt: skip

ROWS = {row: (what, tests) for row, what, tests in ROW.findall(PAGE)}


def test_no_row_is_missing() -> None:
    assert EXPECTED - ROWS.keys() == set()
    assert len(ROW.findall(PAGE)) == len(ROWS), "no row is there twice"


@pytest.mark.parametrize(("row", "told"), ROWS.items(), ids=ROWS)
def test_a_row_names_tests_that_exist_or_says_why_it_has_none(row: str, told: tuple[str, str]) -> None:
    what, tests = told
    named = TEST.findall(tests)
    assert named or NO_TEST[row] in what
    for file, name in named:
        assert name in named_in(file), f"{file} has no {name}"


@cache
def named_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
