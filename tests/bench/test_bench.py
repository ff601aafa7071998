"""The benchmark runs, and the page quotes what it found; how fast anything is, no test says."""

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.figures import ROUTING, UNARY, Figure
from tests.bench.machine import CORES
from tests.bench.report import chart, read, shown, table, with_table, write

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = [
    Figure(group=UNARY, name="against nginx", value=0.25),
    Figure(group=UNARY, name="against portkey", value=13.5, goal="≥ 12", floor="≥ 7"),
    Figure(group=UNARY, name="against nobody", why="not installed"),
    Figure(group=ROUTING, name="a model by its name", value=9.0, unit="µs"),
]


def test_a_short_run_measures_and_writes(tmp_path: Path) -> None:
    missing = [
        name for name in ("wrk", "nginx", "taskset") if not (shutil.which(name) or shutil.which(name, path="/usr/sbin"))
    ]
    if missing or len(CORES) < 2:
        pytest.skip(f"needs two cores, and {missing} is not installed")
    command = [sys.executable, "-m", "tests.bench", "--rounds", "1", "--seconds", "0.3", "--into", str(tmp_path)]
    done = subprocess.run(
        [*command, "--only", "peers", "--only", "routing"],
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = read(tmp_path)
    assert {figure.group for figure in figures} >= {UNARY, ROUTING}, done.stderr
    assert all(figure.value for figure in figures), done.stderr
    ET.fromstring((tmp_path / "performance.svg").read_text())


def test_what_could_not_be_measured_says_why() -> None:
    assert "not measured: not installed" in table(FIGURES)
    assert "against nobody" not in chart(FIGURES)


def test_figures_are_written_and_read_back(tmp_path: Path) -> None:
    (tmp_path / "performance.md").write_text("before\n<!-- table -->old<!-- end of table -->\nafter\n")
    write(FIGURES, tmp_path)
    assert read(tmp_path) == FIGURES
    page = (tmp_path / "performance.md").read_text()
    assert page.startswith("before\n")
    assert page.endswith("\nafter\n")
    assert table(FIGURES) in page
    assert "old" not in page


def test_figures_show_no_more_digits_than_they_have() -> None:
    shows = {0.754: "0.75 ×", 13.52: "13.5 ×", 2026.4: "2,026 ×"}
    for value, text in shows.items():
        assert shown(Figure(group="", name="", value=value)) == text


def test_the_page_quotes_the_figures_that_were_measured() -> None:
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert with_table(page, read(DOCS)) == page
    assert (DOCS / "performance.svg").read_text(encoding="utf-8") == chart(read(DOCS))
