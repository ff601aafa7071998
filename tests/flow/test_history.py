"""The reload ledger: what became of every attempt, in memory and on disk."""

from pathlib import Path

import pytest

from gateway.flow.history import KEPT, History, ReloadOutcome


def outcome(number: int, **more: object) -> ReloadOutcome:
    facts: dict[str, object] = {"unix": float(number), "trigger": "admin", "outcome": "loaded"}
    return ReloadOutcome(**facts | {"digest_before": "a", "digest": str(number)} | more)  # type: ignore[arg-type]


def test_the_newest_comes_first_and_the_oldest_are_forgotten(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(KEPT + 5):
        history.note(outcome(number))
    assert len(history.entries()) == KEPT
    assert history.last is not None
    assert history.last.digest == str(KEPT + 4)


def test_it_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    first = History(tmp_path / "data")
    for number in range(3):
        first.note(outcome(number, problems=({"code": "TH1001", "line": 3},), changes=("a", "b")))
    second = History(tmp_path / "data")
    second.recall()
    assert second.entries() == first.entries()


def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.note(outcome(1))
    file = tmp_path / "reloads.jsonl"
    file.write_bytes(b'not json\n{"unix": "no"}\n' + file.read_bytes() + b'{"unix": 1.0, "trig')
    again = History(tmp_path)
    again.recall()
    assert [entry.digest for entry in again.entries()] == ["1"]
    again.note(outcome(2))
    third = History(tmp_path)
    third.recall()
    assert [entry.digest for entry in third.entries()] == ["2", "1"], "a cut line does not swallow the next"


def test_the_file_is_bounded(tmp_path: Path) -> None:
    history = History(tmp_path)
    for number in range(30):
        history.note(outcome(number, changes=("x" * 100_000,)))
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reloads.jsonl", "reloads.jsonl.1"]
    assert max(sizes) < 1_300_000


def test_without_a_place_to_write_it_is_kept_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    for history in (History(None), History(tmp_path / "file")):
        history.recall()
        history.note(outcome(1))
        assert len(history.entries()) == 1
    assert "cannot write the reload ledger" in caplog.text
