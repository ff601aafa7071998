"""What the pages show works: configurations validate, requests are answered, stories quote the functions they tell."""

import contextlib
import io
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gateway.config.catalog import SHIPPED_CATALOG, read_catalog
from gateway.config.load import World, load
from gateway.config.problem import as_text
from gateway.log import Words
from tests.serving import ADMIN, serving

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


README = BLOCK.findall((ROOT / "README.md").read_text())


def of_readme(kind: str, having: str) -> str:
    (text,) = (text for language, text in README if language == kind and having in text)
    return str(text)


def test_the_mistake_in_the_readme_is_told_as_the_readme_says(tmp_path: Path) -> None:
    config = of_readme("yaml", "version: 1")
    assert "gpt-6-sol: [claude]" in config
    (tmp_path / "tokenhub.yaml").write_text(config.replace("gpt-6-sol: [claude]", "gpt-6-sol: [cluade]"))
    loading = load(tmp_path / "tokenhub.yaml", World(env={}, today=date(2026, 11, 1), secrets="skip"))
    told = "\n".join(as_text(problem) for problem in loading.problems).replace(f"{tmp_path}/", "")
    assert told + "\n" == of_readme("text", "error TH")


def test_models_of_vendors_in_the_readme_are_those_of_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "tokenhub.yaml").write_text(of_readme("yaml", "version: 1"))
    loading = load(tmp_path / "tokenhub.yaml", World(env={}, today=date(2026, 11, 1), secrets="skip"))
    assert loading.declaration is not None
    ours = {offer.id or name: offer.price for name, one in loading.declaration.models.items() for offer in one.offers}
    catalogue = {
        name: offer.price for name, one in read_catalog(SHIPPED_CATALOG).models.items() for offer in one.offers
    }
    assert {name: catalogue.get(name) for name in ours} == ours


def test_the_first_change_of_the_readme_is_told_as_the_readme_says(tmp_path: Path) -> None:
    path = tmp_path / "tokenhub.yaml"
    path.write_text(QUICKSTART.read_text())
    stream = io.StringIO()
    with serving(path, tmp_path) as gateway, on_a_terminal(stream):
        path.write_text(path.read_text().replace("smart: echo-large", "smart: echo-small"))
        gateway.call(gateway.gateway.reloader.reload, "file event")
    told = re.sub(r"^[\d:]{8}", "12:00:00", stream.getvalue(), flags=re.MULTILINE)
    said = of_readme("text", "loaded by file event")
    assert re.sub(r"[0-9a-f]{12}", "DIGEST", said) in re.sub(r"[0-9a-f]{12}", "DIGEST", told)


@contextlib.contextmanager
def on_a_terminal(stream: io.StringIO) -> Iterator[None]:
    """What the log would say there."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Words())
    logging.getLogger("tokenhub").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("tokenhub").removeHandler(handler)


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


def test_every_page_is_in_the_index_and_the_index_is_in_the_readme() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(index.read_text())}
    pages = {page.resolve() for page in (ROOT / "docs").rglob("*.md")} - {index.resolve()}
    assert pages - linked == set()
    assert "docs/README.md" in LINK.findall((ROOT / "README.md").read_text())


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
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"TOKENHUB_ADMIN_TOKEN": ADMIN},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
