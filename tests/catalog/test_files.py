"""What ships in configs/catalog/ is what the tool prints, validates without a word, and works when it is included."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gateway.config.load import World, load
from gateway.config.problem import as_text
from gateway.config.shape import Declaration
from tests.catalog.__main__ import ROOT, printed
from tests.catalog.facts import AS_OF

FOLDER = ROOT / "configs" / "catalog"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
KEY = f'keys: [{{name: k, digest: "sha256:{"1" * 64}"}}]\n'
SENSIBLE = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)+|sonar|o\d")
"""Words of letters and digits, joined by single dots and dashes; nothing hangs loose at either end."""
WORLD = World(env={}, today=AS_OF, secrets="skip")


def including(folder: Path, *files: str) -> Path:
    path = folder / "tokenhub.yaml"
    path.write_text(f"version: 1\ninclude: [{', '.join(f'catalog/{name}' for name in files)}]\n{KEY}")
    return path


def declared(path: Path) -> Declaration:
    loading = load(path, WORLD)
    assert [as_text(problem) for problem in loading.problems] == []
    assert loading.declaration is not None
    return loading.declaration


def test_the_files_are_what_the_tool_prints() -> None:
    for name, text in printed().items():
        assert (ROOT / name).read_text() == text, f"{name} is not what `python -m tests.catalog` prints"
    assert {f"configs/catalog/{name}" for name in FILES} - set(printed()) == {"configs/catalog/tiers.yaml"}


def test_all_of_them_together_are_valid_without_a_warning(tmp_path: Path) -> None:
    said = declared(including(tmp_path, *(name for name in FILES if name != "tiers.yaml"), "tiers.yaml"))
    assert len(said.providers) == len(FILES) - 1
    assert len(said.models) > 250


def test_every_name_is_sensible_and_stands_once() -> None:
    names = [name for file in FILES for name in re.findall(r"^  (\S+):", models_of(FOLDER / file), re.MULTILINE)]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert len(names) > 250
    assert [name for name in names if not SENSIBLE.fullmatch(name)] == []


def models_of(path: Path) -> str:
    """The lines of its `models:`, as they are written: a reader of YAML would take the last of two equal names."""
    return path.read_text().partition("\nmodels:\n")[2].partition("\naliases:")[0]


@pytest.mark.parametrize("host", ["azure", "bedrock", "bedrock-eu", "bedrock-us", "cerebras", "fireworks", "groq"])
def test_a_host_stands_before_the_names_of_what_others_made(host: str) -> None:
    names = re.findall(r"^  (\S+):", models_of(FOLDER / f"{host}.yaml"), re.MULTILINE)
    assert names
    assert [name for name in names if not name.startswith(f"{host}-") or len(name) < len(host) + 4] == []


@pytest.mark.parametrize("name", FILES)
def test_each_of_them_alone_is_valid_without_a_warning(name: str, tmp_path: Path) -> None:
    assert declared(including(tmp_path, name)).models


def test_a_pattern_takes_them_all(tmp_path: Path) -> None:
    every, named = tmp_path / "every", tmp_path / "named"
    every.mkdir()
    named.mkdir()
    assert declared(including(every, "*.yaml")) == declared(including(named, *FILES))


def test_ones_own_file_has_the_last_word(tmp_path: Path) -> None:
    path = including(tmp_path, "openai.yaml")
    offer = "{provider: openai, price: {input: 1, output: 4}}"
    mine = f"models: {{gpt-4o: {{offers: [{offer}], weight: 9}}}}\nproviders: {{openai: {{max_concurrency: 5}}}}\n"
    path.write_text(path.read_text() + mine)
    said = declared(path)
    (made,) = said.models["gpt-4o"].offers
    assert made.price is not None
    assert (made.price.input, made.price.cached_input) == (1, None)
    assert (said.models["gpt-4o"].weight, said.models["gpt-4o"].context_window) == (9, 128_000)
    assert (said.providers["openai"].max_concurrency, said.providers["openai"].dialect) == (5, "openai")


def test_an_installed_package_brings_them_along(tmp_path: Path) -> None:
    site, place = tmp_path / "site", tmp_path / "elsewhere"
    shutil.copytree(ROOT / "gateway", site / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "configs", site / "gateway" / "configs")
    copied = site / "gateway/configs/catalog/openai.yaml"
    copied.write_text(copied.read_text().replace("OPENAI_API_KEY", "KEY_OF_THE_COPY"))
    place.mkdir()
    config = including(place, "openai.yaml", "tiers.yaml")
    command = [sys.executable, "-m", "gateway.cli.main", "render", str(config)]
    env = {"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# catalog/openai.yaml:" in done.stdout
    assert "${env:KEY_OF_THE_COPY}" in done.stdout, "the package's own, not those of the checkout"


def test_the_wheel_holds_them() -> None:
    assert '"configs" = "gateway/configs"' in (ROOT / "pyproject.toml").read_text()
