# ruff: noqa: E501
"""What a reload changes, in sentences; and what it may not lose."""

from pathlib import Path

import pytest

from gateway.config.diff import Counts, changes
from gateway.config.shrink import shrinkage
from tests.config.worlds import REST, a_world, completed, snapshot_of

CASES = [
    ("", "aliases: {a: m}\n", ["alias `a` added"]),
    ("aliases: {a: m}\n", "", ["alias `a` removed"]),
    ("aliases: {a: m}\n", "aliases: {a: n}\n", ["alias `a`: m -> n"]),
    ("aliases: {a: {split: [{model: m, weight: 95}, {model: n, weight: 5}]}}\n", "aliases: {a: {split: [{model: m, weight: 1}]}}\n", ["alias `a`: 95 m + 5 n -> 1 m"]),
    ("fallbacks: {m: [n]}\n", "fallbacks: {m: [n, o]}\n", ["fallbacks of `m`: n -> n, o"]),
    ("wildcard_models: [m]\n", "wildcard_models: [n, m]\n", ["ladder `*`: m -> n, m"]),
    ("", REST["models"].replace("input: 1, output: 2", "input: 1, output: 2.5"), ["offer `p/m`: price 1/2 -> 1/2.5"]),
    ("", REST["models"].replace("context_window: 90", "context_window: 99"), ["model `m`: context_window 90 -> 99"]),
    ("", REST["models"].replace("n-1", "n-2"), ["offer `q/n`: id n-1 -> n-2"]),
    ("", REST["keys"].replace("1" * 64, "2" * 64), ["key `k`: digest changed"]),
    ("", REST["keys"].replace("}", ", limits: {monthly_usd: 50}}"), ["key `k`: monthly_usd none -> 50"]),
    ("", REST["keys"].replace("}", ", models: [m]}"), ["key `k`: models all -> m"]),
    ("", REST["providers"].replace("region: eu", "region: us"), ["provider `p`: labels changed"]),
    ("", "server: {max_in_flight: 7}\n", ["setting `server`: max_in_flight 2000 -> 7"]),
    ("state: redis://a.example/0\n", "state: redis://b.example/0\n", ["setting `storage`: state changed"]),
    ("", "routing: {retries: {per_offer: 0}}\n", ["setting `routing`: retries changed"]),
    ("", "", []),
    ("# one\n", "# another\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "sentences"), CASES, ids=[f"{b}->{a}"[:50] for b, a, _ in CASES])
def test_a_change_is_said_in_a_sentence(before: str, after: str, sentences: list[str], tmp_path: Path) -> None:
    old = snapshot_of(tmp_path / "old", completed(before))
    new = snapshot_of(tmp_path / "new", completed(after))
    assert list(changes(old, new).sentences) == sentences


def test_changes_are_counted(tmp_path: Path) -> None:
    old = snapshot_of(tmp_path / "old", completed("aliases: {a: m, b: m}\n"))
    new = snapshot_of(tmp_path / "new", completed("aliases: {b: n, c: n}\n"))
    assert changes(old, new).counts == {"aliases": Counts(added=1, removed=1, changed=1)}


def test_a_changed_credential_is_said_without_it(tmp_path: Path) -> None:
    text = completed("providers: {p: {dialect: openai, api_key: '${env:SET}'}, q: {dialect: echo}}\n")
    old = snapshot_of(tmp_path / "old", text, a_world(env={"SET": "sk-CANARY-1"}))
    new = snapshot_of(tmp_path / "new", text, a_world(env={"SET": "sk-CANARY-2"}))
    assert changes(old, new).sentences == ("provider `p`: api_key changed",)


def test_a_reload_that_loses_most_offers_is_refused(tmp_path: Path) -> None:
    full = snapshot_of(tmp_path / "full", completed(""))
    blank = snapshot_of(tmp_path / "blank", completed("models: {}\n"))
    problem = shrinkage(full, blank)
    assert problem is not None
    assert problem.code == "TH2601"
    assert "3 of 3 offers (100%)" in problem.message
    assert "max_shrink" in (problem.hint or "")


def test_a_disabled_provider_counts_as_lost(tmp_path: Path) -> None:
    full = snapshot_of(tmp_path / "full", completed(""))
    text = completed("providers: {p: {dialect: echo, enabled: false}, q: {dialect: echo}}\n")
    assert shrinkage(full, snapshot_of(tmp_path / "less", text)) is not None


def test_a_reload_that_loses_few_offers_or_is_meant_goes_through(tmp_path: Path) -> None:
    full = snapshot_of(tmp_path / "full", completed(""))
    meant = snapshot_of(tmp_path / "meant", completed("reload: {max_shrink: 1}\nmodels: {}\n"))
    fewer = completed(
        "models: {m: {max_output_tokens: 9, offers: [{provider: p, unpriced: true}]},"
        " n: {max_output_tokens: 9, offers: [{provider: q, unpriced: true}]}}\n"
    )
    assert shrinkage(full, meant) is None
    assert shrinkage(full, full) is None
    assert shrinkage(meant, full) is None
    assert shrinkage(full, snapshot_of(tmp_path / "fewer", fewer)) is None
