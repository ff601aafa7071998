"""What we publish is what we run: every example starts, is asked, and answers as its page says."""

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.config.load import World, load
from tests.serving import serving

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(path.parent for path in (ROOT / "examples").glob("*/request.sh"))
CONFIGS = sorted([*(ROOT / "configs").glob("*.yaml"), *(ROOT / "examples").glob("*/tokenhub.yaml")])


def test_there_are_examples() -> None:
    assert len(FOLDERS) >= 5


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_published_configuration_is_valid(path: Path) -> None:
    loading = load(path, World(env={}, today=date(2026, 11, 1), secrets="skip"))
    assert [problem.message for problem in loading.problems] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_an_example_answers_as_it_says(folder: Path, tmp_path: Path) -> None:
    here = tmp_path / folder.name
    shutil.copytree(folder, here)
    with serving(here / "tokenhub.yaml", tmp_path, watch=True) as gateway:
        done = subprocess.run(
            ["bash", "request.sh"],
            cwd=here,
            env={**os.environ, "TOKENHUB_URL": gateway.url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert (here / "tokenhub.yaml").read_text() == (folder / "tokenhub.yaml").read_text(), "it ends as it began"
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    expected = json.loads((folder / "expected.json").read_text())
    assert len(said) == len(expected), done.stdout
    for got, wanted in zip(said, expected, strict=True):
        assert missing(wanted, got) == [], json.dumps(got, indent=1)


def missing(wanted: Any, got: Any, path: str = "$") -> list[str]:
    """Where `got` lacks or contradicts what is wanted; more than wanted is fine."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [fault for name in wanted for fault in missing(wanted[name], got.get(name), f"{path}.{name}")]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [fault for place, one in enumerate(wanted) for fault in missing(one, got[place], f"{path}[{place}]")]
    return [] if wanted == got else [f"{path}: wanted {wanted!r}, got {got!r}"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_an_example_has_a_page_that_shows_its_files(folder: Path) -> None:
    page = (folder / "README.md").read_text()
    assert page.startswith("# ")
    assert "tokenhub serve" in page
    assert ".venv/bin" in page


def test_the_index_names_every_example() -> None:
    index = (ROOT / "examples" / "README.md").read_text()
    folders = [path.name for path in sorted((ROOT / "examples").iterdir()) if path.is_dir()]
    assert [name for name in folders if f"({name}/)" not in index] == []
