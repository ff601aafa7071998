"""Short rows: whatever records have in common, and wherever a journal is torn, each comes back as it was told."""

import errno
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.state.ledger import journal as journals
from gateway.state.ledger.cursor import Memory, read_piece
from gateway.state.ledger.journal import Journal
from gateway.state.ledger.record import Record, plain
from gateway.state.ledger.rows import batch_of
from gateway.state.ledger.segment import Position, Segment, segment_path, segments
from gateway.state.ledger.short import Common, Plain, Short, entries_of
from tests.stores.rows import a_record, an_id, common_of, journaled, own_of


def a_journal(folder: Path, **more: Any) -> Journal:
    journal = Journal(folder, **({"sync_s": 0.01} | more))
    journal.open()
    return journal


def conclude(journal: Journal, record: Record) -> None:
    journal.conclude(0, own_of(record), common_of(record))


def kept(record: Record) -> Record:
    """As every database takes it."""
    return replace(record, asked=plain(record.asked), served=plain(record.served))


KINDS: list[dict[str, Any]] = [
    {},
    {"model": "gpt-5"},
    {"usage_estimated": True, "stream": True, "first_token_ms": 0.1},
    {"reasoning_tokens": 3},
    {"image_tokens": 2, "meta": "{}"},
    {"meta": '{"user":"a"}', "cost_nano_usd": 2**62},
    {"asked": "x" * 3000},
    {"asked": "ä\ud800\x00", "served": "p/" + "ö" * 300},
    {"outcome": "released", "status": 502, "error": "provider_failed", "cache_read_tokens": 7},
]
TOLD = st.lists(st.lists(st.sampled_from(KINDS), max_size=60), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(TOLD, st.sampled_from([700, 3_000, 100_000]), st.sampled_from([1, 2, 4096]), st.sampled_from([300, 100_000]))
def test_records_come_back_as_they_were_told_over_segments_and_restarts(
    told: list[list[dict[str, Any]]], segment_bytes: int, most: int, piece_bytes: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journals, "MOST_NUMBERS", most)
        records: list[Record] = []
        for process in told:
            journal = a_journal(Path(folder), segment_bytes=segment_bytes)
            for kind in process:
                records.append(a_record(len(records), **kind))
                conclude(journal, records[-1])
            journal.close()
        expected = [kept(record) for record in records]
        assert journaled(Path(folder), piece_bytes) == (expected, 0)


def test_what_is_common_is_said_once_in_a_segment(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    for number in range(100):
        conclude(journal, a_record(number, model=f"m{number % 2}", cache_read_tokens=number % 4))
    journal.close()
    lines = read_piece(tmp_path, Position(0, 0)).lines
    assert [type(line) for line in lines].count(Common) == 2
    assert [type(line) for line in lines].count(Short) == 75
    assert [type(line) for line in lines].count(Plain) == 25, "those without tokens of a rare sort"
    assert journal.rows == batch_of(lines).count == 100


def test_who_reads_on_within_a_segment_knows_what_was_said_before(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    for number in range(10):
        conclude(journal, a_record(number))
    half = journal.end
    for number in range(10, 20):
        conclude(journal, a_record(number))
    journal.close()
    piece = read_piece(tmp_path, half)
    assert list(entries_of(piece.lines, Memory(tmp_path).before(half))) == [a_record(each) for each in range(10, 20)]


def test_rows_whose_common_part_is_lost_are_counted_and_cost_no_other(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    for number in range(6):
        conclude(journal, a_record(number, model=f"m{number % 2}"))
    journal.append(a_record(9))
    journal.close()
    path = segment_path(tmp_path, 1)
    path.write_bytes(path.read_bytes().replace(b'["c",2,', b'["c,2,"'))
    piece = read_piece(tmp_path, Position(0, 0))
    batch = batch_of(piece.lines, {})
    assert (piece.spoilt, batch.spoilt, batch.count) == (1, 3, 7)
    found = sorted(own[0] for rows in batch.requests.values() for own in rows)
    assert found == [an_id(number) for number in (0, 2, 4, 9)]


def test_where_nothing_can_be_copied_rows_are_written_whole(tmp_path: Path) -> None:
    always = a_journal(tmp_path / "always", sync_s=0.0)
    conclude(always, a_record(1))
    always.close()
    assert read_piece(tmp_path / "always", Position(0, 0)).lines == [a_record(1)]
    journal = a_journal(tmp_path / "full")
    journal._segment.room = 0
    conclude(journal, a_record(1))
    journal.close()
    assert read_piece(tmp_path / "full", Position(0, 0)).lines == [a_record(1)]


def test_d09_the_place_of_a_record_that_waits_is_kept_until_somebody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the process die before the disk takes it, it is known that somebody was served."""
    journal = a_journal(tmp_path)
    place = journal.board.enter(an_id(1), 1.0, 2.0, 3, ("o", "k", "chat", "m", "c"))

    def refuse(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(Segment, "write", refuse)
    journal._segment.room = 0
    journal.conclude(place, own_of(a_record(1)), common_of(a_record(1)))
    assert journal.waiting == 1
    assert [each.id for each in journal.board.left()] == [an_id(1)]
    monkeypatch.undo()
    assert journal.flush_waiting()
    assert journal.board.left() == []
    journal.close()
    assert [each.id for each in journaled(tmp_path)[0]] == [an_id(1)]
    assert len(segments(tmp_path)) == 1


def test_d09_the_place_of_a_record_that_is_lost_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = a_journal(tmp_path)
    places = [journal.board.enter(an_id(each), 1.0, 2.0, 3, ("o", "k", "chat", "m", "c")) for each in range(3)]

    def refuse(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(journals, "WAITING_ROWS", 2)
    with monkeypatch.context() as patch:
        patch.setattr(Segment, "write", refuse)
        journal._segment.room = 0
        for each in range(3):
            journal.conclude(places[each], own_of(a_record(each)), common_of(a_record(each)))
    assert (journal.waiting, journal.dropped) == (2, 1)
    assert journal.flush_waiting()
    assert [each.id for each in journal.board.left()] == [an_id(2)]
    journal.close()
