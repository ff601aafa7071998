"""Hundreds of hand-made mistakes: each is found, named by its code, at its exact place, and nothing else is."""

from pathlib import Path

import pytest

from gateway.config.codes import CODES
from gateway.config.problem import Problem, as_text
from tests.config.mistakes import ROWS
from tests.config.worlds import completed, loaded, told

MARK = "§"


def place_of(fragment: str) -> tuple[int, int]:
    before = fragment.removeprefix("=").partition(MARK)[0]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def ids(row: tuple[str, str]) -> str:
    return f"{row[0]}-{' '.join(row[1].split())[:60]}"


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_a_mistake_is_found_at_its_place_and_nothing_else_is(row: tuple[str, str], tmp_path: Path) -> None:
    code, fragment = row
    assert fragment.count(MARK) == 1
    loading = loaded(tmp_path, completed(fragment.replace(MARK, "")))
    severity = CODES[code].severity
    expected = [(code, *place_of(fragment))]
    counted = [found for problem, found in zip(loading.problems, told(loading), strict=True) if _counts(problem, code)]
    assert counted == expected, "\n".join(map(as_text, loading.problems))
    assert (loading.declaration is None) == (severity == "error")


def _counts(problem: Problem, code: str) -> bool:
    """Warnings beside an error do not."""
    return problem.severity == "error" or CODES[code].severity == "warning"


def test_there_are_more_than_three_hundred_of_them() -> None:
    assert len({fragment for _, fragment in ROWS}) == len(ROWS) >= 300


def test_every_code_is_caused_by_one_of_them_or_tested_elsewhere() -> None:
    of_files = {"TH1001", "TH1002", "TH1003", "TH1004", "TH1005", "TH1006", "TH1106", "TH1203", "TH1204", "TH1307"}
    elsewhere = of_files | {"TH2601", "TH2602", "TH2704", "TH2801", "TH2802", "TH2803", "TH2804"}
    assert set(CODES) - {code for code, _ in ROWS} == elsewhere
