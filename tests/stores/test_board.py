"""The board: whoever was being served when a process ended is known to the next one, and nobody else is."""

import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.state.ledger import shelf, ship
from gateway.state.ledger.board import FIXED, NOWHERE, PLACE_BYTES, Board
from gateway.state.ledger.journal import Journal
from gateway.state.ledger.ledger import open_ledger
from gateway.state.ledger.query import PageQuery
from gateway.state.ledger.record import Admitted
from gateway.state.store_error import StoreError
from tests.stores.rows import a_record, an_admission, an_id, common_of, journaled, own_of
from tests.stores.test_ledger import a_ledger, until

COMMON = ("journal-a", "web-app", "chat", "smart", "abcdef012345")


def a_board(folder: Path, places: int = 16) -> tuple[Board, list[Admitted]]:
    noted: list[Admitted] = []
    board = Board(folder / "board", noted.append, places)
    board.open()
    return board, noted


def enter(board: Board, admitted: Admitted) -> int:
    common = (admitted.origin, admitted.key, admitted.endpoint, admitted.asked, admitted.config)
    return board.enter(admitted.id, admitted.unix, admitted.expires_unix, admitted.estimate_nano_usd, common)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "ä" * 100, "x" * 256])), max_size=60))
def test_the_next_process_knows_whoever_has_not_left(steps: list[tuple[bool, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        board, noted = a_board(Path(folder))
        inside: dict[int, Admitted] = {}
        for number, (comes, asked) in enumerate(steps):
            if comes:
                admitted = an_admission(number, asked=asked, estimate_nano_usd=number)
                place = enter(board, admitted)
                if place == NOWHERE:
                    assert noted.pop() == admitted
                    assert len(inside) == 15
                else:
                    assert place not in inside
                    inside[place] = admitted
            elif inside:
                place = random.Random(number).choice(list(inside))
                board.leave(place)
                del inside[place]
        expected = sorted(inside.values(), key=lambda each: each.id)
        assert sorted(board.running(1e12), key=lambda each: each.id) == expected
        assert sorted(Board(Path(folder) / "board", noted.append).left(), key=lambda each: each.id) == expected
        board.close()


@pytest.mark.parametrize("more", [{"asked": "ä" * 256}, {"estimate_nano_usd": 2**63}, {"key": "k" * 600}])
def test_who_fits_in_no_place_is_noted_otherwise(more: dict[str, Any], tmp_path: Path) -> None:
    board, noted = a_board(tmp_path)
    for _ in range(40):
        assert enter(board, an_admission(1, **more)) == NOWHERE
    assert noted == [an_admission(1, **more)] * 40
    assert board.left() == []
    assert all(enter(board, an_admission(number)) for number in range(15)), "no place was lost"
    board.close()


def test_what_callers_said_is_bounded(tmp_path: Path) -> None:
    board, _ = a_board(tmp_path)
    for asked in ("x" * 3000, "a\ud800\x00"):
        board.leave(enter(board, an_admission(1, asked=asked)))
    enter(board, an_admission(1, asked="x" * 3000))
    enter(board, an_admission(2, asked="a\ud800\x00"))
    assert sorted(len(each.asked) for each in board.left()) == [3, 256]
    board.close()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4 * PLACE_BYTES), st.binary(min_size=1, max_size=700))
def test_d12_what_a_power_loss_tore_says_nothing_and_stops_nobody(start: int, junk: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        board, noted = a_board(Path(folder), 5)
        for number in range(4):
            enter(board, an_admission(number))
        board.close()
        path = Path(folder) / "board"
        data = path.read_bytes()
        path.write_bytes((data[:start] + junk + data[start + len(junk) :])[: len(data) - start % 3])
        found = {each.id: each for each in Board(path, noted.append).left()}
        first, last = start // PLACE_BYTES, (start + len(junk)) // PLACE_BYTES
        for number in range(4):
            place = number + 1
            if place < first or (place > last and place < 4):
                assert found[an_id(number)] == an_admission(number)


def test_without_room_on_the_disk_there_are_no_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "disk full")

    monkeypatch.setattr("os.posix_fallocate", refuse)
    board, noted = a_board(tmp_path)
    assert enter(board, an_admission(1)) == NOWHERE
    assert noted == [an_admission(1)]
    assert board.running(1e12) == []
    board.sync()
    board.close()


def test_whom_a_full_disk_lets_nobody_take_over_the_process_after_that_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Journal(tmp_path, 0.01)
    first.open()
    assert enter(first.board, an_admission(1))
    first.close()

    def refuse(*_: Any) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(shelf, "write_whole", refuse)
        second = Journal(tmp_path, 0.01)
        second.open()
        assert enter(second.board, an_admission(2)) == NOWHERE, "the places are not free yet"
        second.close()
    third = Journal(tmp_path, 0.01)
    third.open()
    assert third.board.left() == []
    third.close()
    assert journaled(tmp_path) == ([an_admission(2), an_admission(1)], 0)


def test_a_journal_that_waits_for_the_platter_notes_every_admission_there(tmp_path: Path) -> None:
    before = Journal(tmp_path, 0.01)
    before.open()
    assert enter(before.board, an_admission(1))
    before.close()
    for number in (2, 3):
        journal = Journal(tmp_path, 0.0)
        journal.open()
        assert enter(journal.board, an_admission(number)) == NOWHERE
        journal.close()
    assert journaled(tmp_path) == ([an_admission(number) for number in (1, 2, 3)], 0), "each is taken over once"


def test_d20_who_is_served_for_long_is_in_the_database_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the whole machine be lost, others find out."""
    monkeypatch.setattr(ship, "RUNNING_S", 0.05)
    ledger = open_ledger("sqlite://ledger.db", tmp_path, 0.01, SystemClock())
    ledger.start()
    unix = time.time()
    common = (ledger.origin, "web-app", "chat", "smart", "abcdef012345")
    places = [ledger.begin(an_id(number, unix), unix, unix + 600, 5, common) for number in range(3)]

    def running() -> int:
        with ledger._database._transaction() as connection:  # type: ignore[attr-defined]
            return int(connection.execute("SELECT count(*) FROM admissions").fetchone()[0])

    until(lambda: running() == 3)
    record = a_record(1, unix=unix)
    ledger.end(places[1], own_of(record), common_of(record))
    until(lambda: running() == 2)
    ledger.stop()
    again = a_ledger(tmp_path)
    assert asyncio.run(again.recovered(20.0))
    outcomes = [row.outcome for row in asyncio.run(again.requests(PageQuery()))]
    assert sorted(outcomes) == ["settled", "unknown", "unknown"]
    again.stop()


@pytest.mark.parametrize(("sync_s", "left"), [(0.0, 0), (0.0, 200), (0.01, 0), (0.01, 200)])
def test_who_runs_while_the_process_before_is_made_up_for_is_not_lost(
    sync_s: float, left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both write under one name: nothing of this one is told before the other's is done with."""
    monkeypatch.setattr(ship, "RUNNING_S", 0.01)
    monkeypatch.setattr(ship, "PIECE_BYTES", 2000)
    if left:
        before = open_ledger("sqlite://ledger.db", tmp_path, sync_s, SystemClock())
        for number in range(left):
            before.end(
                before.begin(an_id(number), 1.0, 2.0, 3, COMMON), own_of(a_record(number)), common_of(a_record(number))
            )
        before.journal.close()
    ledger = open_ledger("sqlite://ledger.db", tmp_path, sync_s, SystemClock())
    database = ledger._database
    monkeypatch.setattr(database, "open", lambda: refused(database))
    ledger.start()
    unix = time.time()
    common = (ledger.origin, "web-app", "chat", "smart", "abcdef012345")
    place = ledger.begin(an_id(1000, unix), unix, unix + 600, 5, common)
    time.sleep(0.03)
    monkeypatch.undo()
    monkeypatch.setattr(ship, "RUNNING_S", 0.01)
    monkeypatch.setattr(ship, "PIECE_BYTES", 2000)
    ledger._shipper._wake.set()
    assert asyncio.run(ledger.recovered(20.0))
    until(lambda: ledger.lag == 0)
    assert [row.outcome for row in asyncio.run(ledger.requests(PageQuery(limit=1000)))] == ["settled"] * left
    record = a_record(1000, unix=unix)
    ledger.end(place, own_of(record), common_of(record))
    ledger.stop()
    assert len(asyncio.run(ledger.requests(PageQuery(limit=1000)))) == left + 1


def refused(_: object) -> None:
    raise StoreError("away")


def test_a_place_holds_what_is_written_into_it() -> None:
    assert FIXED.size <= 64
