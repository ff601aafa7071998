"""What runs is what was tested: every lock pins the versions of the largest one, each with its hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", ["requirements-run.lock", "requirements-image.lock", "requirements-build.lock"])
def test_a_smaller_lock_pins_what_the_large_one_pins(name: str) -> None:
    some, everything = pins(name), pins("requirements.lock")
    assert some
    assert {package: everything.get(package) for package in some} == some


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_every_pin_has_a_hash(path: Path) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", path.read_text().strip())
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_runs_is_what_the_package_asks_for() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    asked = re.findall(
        r'^  "([a-z0-9-]+)[>=<]', text.partition("dependencies = [")[2].partition("]\n")[0], re.MULTILINE
    )
    assert len(asked) >= 10
    assert set(asked) <= pins("requirements-run.lock").keys()
