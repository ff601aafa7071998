"""What the pages show works: configurations validate, requests are answered, stories quote the functions they tell."""

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from gateway.config.load import World, load
from gateway.config.problem import as_text
from tests.serving import serving

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
QUICKSTART = ROOT / "configs" / "tokenhub.yaml"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
BASE = "http://127.0.0.1:8080"


def blocks(kind: str, *, having: str = "") -> list[object]:
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)} block {number}")
        for page in PAGES
        for number, (language, text) in enumerate(BLOCK.findall(page.read_text()), 1)
        if language == kind and having in text
    ]


@pytest.mark.parametrize("text", blocks("yaml", having="version: 1\n"))
def test_a_whole_configuration_in_a_page_is_valid(text: str, tmp_path: Path) -> None:
    file = tmp_path / "tokenhub.yaml"
    file.write_text(text)
    loading = load(file, World(env={}, today=date(2026, 11, 1), secrets="skip"))
    assert [problem.message for problem in loading.problems if problem.severity == "error"] == []


def test_the_mistake_in_the_readme_is_told_as_the_readme_says(tmp_path: Path) -> None:
    found = dict(BLOCK.findall((ROOT / "README.md").read_text()))
    (tmp_path / "tokenhub.yaml").write_text(found["yaml"].replace("gpt-4o: [claude]", "gpt-4o: [cluade]"))
    loading = load(tmp_path / "tokenhub.yaml", World(env={}, today=date(2026, 11, 1), secrets="skip"))
    told = "\n".join(as_text(problem) for problem in loading.problems).replace(f"{tmp_path}/", "")
    assert told + "\n" == found["text"]


@pytest.mark.parametrize("text", blocks("sh", having=f"curl -sS {BASE}"))
def test_a_request_in_a_page_is_answered(text: str, tmp_path: Path) -> None:
    with serving(QUICKSTART, tmp_path) as gateway:
        done = run(["bash", "-euo", "pipefail", "-c", text.replace(BASE, gateway.url)])
    assert not re.search(r'"error": ?["{]', done.stdout)
    assert done.stdout.strip()


@pytest.mark.parametrize("text", blocks("python", having=BASE))
def test_a_program_in_a_page_runs(text: str, tmp_path: Path) -> None:
    with serving(QUICKSTART, tmp_path) as gateway:
        run([sys.executable, "-c", text.replace(BASE, gateway.url)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    lost = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert lost == []


@pytest.mark.parametrize(
    ("page", "module"),
    [("life-of-a-request.md", "gateway/flow/serve.py"), ("life-of-a-config-change.md", "gateway/flow/reload.py")],
)
def test_a_story_names_only_modules_that_exist(page: str, module: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert module in text
    for named in re.findall(r"`((?:\w+/)+\w+\.py)`", text):
        assert (ROOT / "gateway" / named.removeprefix("gateway/")).exists(), named


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    return done
