"""Whole configurations: the rejected with their problems, the accepted with what they compile to.

`pytest --update-golden` writes `problems.txt` and `snapshot.json` anew; review the difference.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import decode_loading, encode_loading, load
from gateway.config.problem import as_text
from gateway.config.render import as_yaml
from gateway.secret import Secret
from tests.config.worlds import a_world, told

GOLDEN = Path(__file__).parent.parent / "golden/config"
REJECTED = sorted(path.parent for path in GOLDEN.glob("rejected/*/tokenhub.yaml"))
ACCEPTED = sorted(path.parent for path in GOLDEN.glob("accepted/*/tokenhub.yaml"))
WORLD = a_world(env={"SECRET": "value-of-secret", "CA": __file__, "KEY": "k", "ANTHROPIC_API_KEY": "k"})


def check(path: Path, seen: str, *, update: bool) -> None:
    if update:
        path.write_text(seen)
    assert path.read_text() == seen, f"{path} differs: run `pytest --update-golden` and review the difference"


@pytest.mark.parametrize("case", REJECTED, ids=lambda path: path.name)
def test_a_rejected_configuration_has_the_recorded_problems(case: Path, update_golden: bool) -> None:
    loading = load(case / "tokenhub.yaml", WORLD)
    text = "\n\n".join(map(as_text, loading.problems)).replace(f"{case}/", "") + "\n"
    assert loading.declaration is None
    assert "CANARY" not in text
    check(case / "problems.txt", text, update=update_golden)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda path: path.name)
def test_an_accepted_configuration_compiles_to_the_recorded_snapshot(case: Path, update_golden: bool) -> None:
    loading = load(case / "tokenhub.yaml", WORLD)
    assert loading.declaration is not None, loading.problems
    snapshot = drive(compile_snapshot(loading))
    seen = msgspec.to_builtins(plain(snapshot))
    seen["digest"] = seen["digest"][:12]
    text = msgspec.json.format(msgspec.json.encode(seen), indent=2).decode().replace(__file__, "CA") + "\n"
    assert "value-of-secret" not in text
    check(case / "snapshot.json", text, update=update_golden)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda path: path.name)
def test_a_loading_survives_the_way_to_the_parent(case: Path) -> None:
    loading = load(case / "tokenhub.yaml", WORLD)
    other = decode_loading(encode_loading(loading))
    assert other.declaration == loading.declaration
    assert drive(compile_snapshot(other)) == drive(compile_snapshot(loading))


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda path: path.name)
def test_a_rendered_configuration_means_the_same(case: Path, tmp_path: Path) -> None:
    loading = load(case / "tokenhub.yaml", WORLD)
    assert loading.tree is not None
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(as_yaml(loading.tree))
    (tmp_path / "candidate.yaml").write_text("version: 1\n")
    again = load(rendered, WORLD)
    assert again.digest == loading.digest, again.problems


def test_twelve_mistakes_are_twelve_problems_each_at_its_place() -> None:
    loading = load(GOLDEN / "rejected/twelve-mistakes/tokenhub.yaml", WORLD)
    assert told(loading) == [
        ("TH2502", 3, 11),
        ("TH1406", 4, 13),
        ("TH2007", 7, 14),
        ("TH1301", 8, 14),
        ("TH2305", 12, 15),
        ("TH1405", 15, 13),
        ("TH2001", 18, 20),
        ("TH1404", 21, 26),
        ("TH1407", 23, 28),
        ("TH2003", 25, 12),
        ("TH2104", 27, 3),
        ("TH1401", 29, 1),
    ]


def plain(value: Any) -> Any:
    """A snapshot as plain values: read-only views as maps, sets sorted, secrets as stars."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__ if name != "identity"}
    if isinstance(value, Mapping):
        return {name: plain(child) for name, child in sorted(value.items())}
    if isinstance(value, frozenset):
        return sorted(value)
    return [plain(child) for child in value] if isinstance(value, tuple) else value
