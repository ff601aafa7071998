"""The journal: what was appended is read again, whatever was torn, full or killed in between."""

import contextlib
import errno
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.state.ledger.cursor import Bookmark, read_piece
from gateway.state.ledger.journal import Journal
from gateway.state.ledger.lines import line_of, read_lines
from gateway.state.ledger.record import Entry, json_text, plain
from gateway.state.ledger.segment import Position, segment_path, segments, spare_path
from gateway.state.store_error import StoreError
from tests.stores.rows import a_record, an_admission, an_audit_row, an_id


def a_journal(folder: Path, **more: int) -> Journal:
    journal = Journal(folder, sync_s=0.01, **more)
    journal.open()
    return journal


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that another thread will do."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


@contextlib.contextmanager
def file_limit(size: int) -> Iterator[None]:
    """A file of this process grows no further: what a disk does that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def everything(folder: Path) -> tuple[list[Entry], int]:
    position = Position(0, 0)
    entries: list[Entry] = []
    spoilt = 0
    while True:
        piece = read_piece(folder, position, 1000)
        entries += piece.lines
        spoilt += piece.spoilt
        if piece.position == position:
            return entries, spoilt
        position = piece.position


def test_rows_come_back_in_order_over_segments_and_restarts(tmp_path: Path) -> None:
    rows: list[Entry] = [an_admission(1), a_record(1), an_audit_row(2)] + [a_record(number) for number in range(3, 60)]
    for some in (rows[:30], rows[30:]):
        journal = a_journal(tmp_path, segment_bytes=2000)
        assert all(journal.append(row) for row in some)
        journal.close()
    assert len(segments(tmp_path)) > 4
    assert everything(tmp_path) == (rows, 0)


@given(st.integers(0, 2000), st.binary(max_size=40))
@settings(max_examples=80, deadline=None)
def test_a_tail_torn_anywhere_costs_at_most_the_row_it_cuts(cut: int, junk: bytes) -> None:
    lines = [line_of(a_record(number)) for number in range(6)]
    whole = b"".join(lines)
    cut = min(cut, len(whole))
    intact = sum(len(b"".join(lines[: index + 1])) <= cut for index in range(6))
    found = read_lines(whole[:cut] + junk + b"\n" + lines[5])
    ids = [entry.id for entry in found.rows]
    assert ids[:intact] == [an_id(number) for number in range(intact)]
    assert ids[-1] == an_id(5)
    assert len(ids) in (intact + 1, intact + 2)


def test_the_end_of_the_newest_segment_is_awaited_and_of_older_ones_given_up(tmp_path: Path) -> None:
    line = line_of(a_record(1))
    segment_path(tmp_path, 1).write_bytes(line + line[:50])
    assert read_piece(tmp_path, Position(0, 0)).position == Position(1, len(line))
    segment_path(tmp_path, 2).write_bytes(line_of(a_record(2)))
    assert everything(tmp_path) == ([a_record(1), a_record(2)], 1)


def with_a_checksum(entry: Entry) -> bytes:
    """As journals were written before."""
    row = line_of(entry)[:-1]
    return b"%08x %b\n" % (zlib.crc32(row), row)


def test_journals_whose_rows_have_checksums_are_read_and_checked(tmp_path: Path) -> None:
    lines = [with_a_checksum(a_record(number)) for number in range(5)]
    lines[3] = lines[3].replace(b"web-app", b"web-App")
    segment_path(tmp_path, 1).write_bytes(b"".join(lines))
    journal = a_journal(tmp_path)
    journal.append(a_record(5))
    journal.close()
    assert everything(tmp_path) == ([a_record(number) for number in (0, 1, 2, 4, 5)], 1)


@given(st.lists(st.sampled_from([10, 1_000, 30_000, 90_000]), min_size=1, max_size=30), st.integers(0, 29))
@settings(max_examples=40, deadline=None)
def test_rows_of_any_size_are_read_whether_or_not_one_among_them_is_spoilt(sizes: list[int], spoilt: int) -> None:
    rows = [a_record(number, reason="x" * size) for number, size in enumerate(sizes)]
    lines = [line_of(row) for row in rows]
    whole = read_lines(b"".join(lines))
    assert (whole.rows, whole.spoilt, whole.consumed) == (rows, 0, sum(map(len, lines)))
    spoilt %= len(rows)
    lines[spoilt] = lines[spoilt][:-3] + b"\n"
    found = read_lines(b"".join(lines) + b"[")
    assert (found.rows, found.spoilt) == (rows[:spoilt] + rows[spoilt + 1 :], 1)


@given(st.integers(0, 3000), st.integers(1, 900))
@settings(max_examples=80, deadline=None)
def test_zeros_anywhere_cost_the_lines_they_are_in_and_no_other(start: int, count: int) -> None:
    rows = [a_record(number) for number in range(12)]
    data = bytearray(b"".join(map(line_of, rows)))
    count = max(0, min(count, len(data) - 1 - start))
    data[start : start + count] = bytes(count)
    lines = bytes(data).split(b"\n")
    untouched = [row for row in rows if line_of(row)[:-1] in lines]
    assert len(untouched) >= len(rows) - 2 - count // len(line_of(rows[0]))
    assert read_lines(bytes(data)).rows == untouched


def test_a_row_larger_than_a_piece_is_read(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    journal.append(a_record(1, reason="x" * 5000))
    journal.append(a_record(2))
    assert len(everything(tmp_path)[0]) == 2
    journal.close()


def test_whether_rows_can_be_kept_is_one_look_that_follows_whatever_changes(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, segment_bytes=1000, max_bytes=2500)
    assert journal.accepting
    while not journal.full:
        journal.append(a_record(1))
    assert not journal.accepting
    with file_limit(20):
        journal._segment.room = 0
        journal.append(a_record(2))
        journal.remove_before(Position(segments(tmp_path)[-1], 0))
        assert journal.failing
        assert not journal.full
        assert not journal.accepting, "it is not full any more, but the disk refuses"
    assert journal.flush_waiting()
    assert journal.accepting
    journal.close()


def test_rows_are_counted_over_segments_and_while_they_wait(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, segment_bytes=1000)
    for number in range(20):
        journal.append(a_record(number))
    assert journal.rows == 20
    with file_limit(20):
        journal._segment.room = 0
        journal.append(a_record(20))
        assert (journal.rows, journal.waiting) == (21, 1)
    assert journal.flush_waiting()
    assert (journal.rows, journal.waiting) == (21, 0)
    journal.close()
    assert len(everything(tmp_path)[0]) == 21


def test_two_processes_in_one_folder_are_refused(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    with pytest.raises(StoreError, match="in use by another tokenhub"):
        a_journal(tmp_path)
    journal.close()
    a_journal(tmp_path).close()


def test_what_was_shipped_is_removed_and_what_was_not_makes_it_full(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, segment_bytes=1000, max_bytes=4000)
    while not journal.full:
        journal.append(a_record(1))
    assert journal.append(a_record(2))
    journal.remove_before(Position(segments(tmp_path)[-1], 0))
    assert not journal.full
    assert len(segments(tmp_path)) == 1
    last = segment_path(tmp_path, segments(tmp_path)[-1])
    assert 0 < journal.size_bytes < last.stat().st_size, "what is set aside does not count"
    journal.close()
    assert journal.size_bytes == last.stat().st_size, "and is given back"


def test_d09_a_disk_that_refuses_is_told_and_the_rows_wait_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = a_journal(tmp_path)
    assert journal.append(a_record(1))
    with file_limit(len(line_of(a_record(1))) + 20):
        journal._segment.room = 0
        assert not journal.append(a_record(2))
        assert not journal.append(a_record(3))
        assert journal.failing
        assert journal.waiting == 2
    assert journal.append(a_record(4))
    assert not journal.failing
    assert journal.waiting == 0
    found, spoilt = everything(tmp_path)
    assert [entry.id for entry in found] == [an_id(number) for number in (1, 2, 3, 4)]
    assert spoilt == 1, "the row that the disk took a part of was written again"
    assert caplog.text.count("cannot be written") == 1
    journal.close()


def test_rows_that_no_disk_took_to_the_end_are_told_when_they_are_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = a_journal(tmp_path)
    with file_limit(20):
        journal._segment.room = 0
        for number in range(3):
            journal.append(a_record(number))
        journal.close()
    assert "3 rows that the disk refused are lost" in caplog.text


def test_rows_beyond_those_that_may_wait_are_told_when_the_first_is_lost_and_counted_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.state.ledger.journal.WAITING_ROWS", 2)
    journal = a_journal(tmp_path)
    with file_limit(20):
        journal._segment.room = 0
        for number in range(5):
            journal.append(a_record(number))
        assert caplog.text.count("2 rows wait already") == 1
        assert (journal.dropped, journal.rows) == (3, 2)
    assert journal.append(a_record(5))
    assert "3 rows were lost meanwhile" in caplog.text
    assert (journal.dropped, journal.rows) == (3, 3)
    journal.close()
    assert "lost with this process" not in caplog.text


def test_d09_where_no_room_can_be_set_aside_rows_go_by_write_and_copies_are_made_again_later(tmp_path: Path) -> None:
    with file_limit(3000):
        journal = a_journal(tmp_path, segment_bytes=4000)
        assert journal._segment.room == 0
        assert journal.append(a_record(0)), "there is room for some"
        while journal.append(a_record(1)):
            pass
        assert journal.failing
        assert journal.waiting == 1
    for number in range(2, 40):
        assert journal.append(a_record(number))
    assert not journal.failing
    assert journal._segment.room == 4000
    ids = [entry.id for entry in everything(tmp_path)[0]]
    journal.close()
    assert ids[0] == an_id(0)
    assert ids[-38:] == [an_id(number) for number in range(2, 40)]


def test_d09_what_the_platter_refuses_is_told_until_it_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, taken = threading.Event(), threading.Event()
    really = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        if not taken.is_set():
            refused.set()
            raise OSError(errno.EIO, "Input/output error")
        really(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal = a_journal(tmp_path)
    journal.append(a_record(1))
    until(lambda: journal.failing)
    assert refused.is_set()
    assert journal.append(a_record(2))
    assert journal.failing, "the file takes rows, the platter does not"
    taken.set()
    until(lambda: not journal.failing)
    journal.close()
    assert len(everything(tmp_path)[0]) == 2


WRITER = """
import sys
from pathlib import Path
from gateway.state.ledger.journal import Journal
from tests.stores.rows import a_record

journal = Journal(Path(sys.argv[1]), sync_s=0.01, segment_bytes=200_000)
journal.open()
for number in range(1_200):
    journal.append(a_record(number))
print("done", flush=True)
sys.stdin.read()
"""


def test_n10_what_was_copied_is_there_after_kill_and_the_room_behind_it_is_given_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer:
        assert writer.stdout.readline() == "done\n"
        writer.send_signal(signal.SIGKILL)
    last = segment_path(tmp_path, segments(tmp_path)[-1])
    assert last.read_bytes().endswith(b"\0"), "nobody could"
    ids = [an_id(number) for number in range(1_200)]
    assert [entry.id for entry in everything(tmp_path)[0]] == ids, "also for those who cannot"
    journal = a_journal(tmp_path)
    assert last.read_bytes().endswith(b"\n")
    assert not spare_path(tmp_path).exists()
    assert journal.size_bytes == sum(segment_path(tmp_path, each).stat().st_size for each in segments(tmp_path)[:-1])
    found, spoilt = everything(tmp_path)
    assert ([entry.id for entry in found], spoilt) == (ids, 0)
    journal.close()


def test_the_next_segment_is_set_aside_in_time_and_none_is_left(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, segment_bytes=100_000)
    while journal.size_bytes < 60_000:
        journal.append(a_record(1))
    until(spare_path(tmp_path).exists)
    while len(segments(tmp_path)) == 1:
        journal.append(a_record(2))
    assert journal.append(a_record(3))
    assert journal._segment.room == 100_000
    journal.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0000000001.journal",
        "0000000002.journal",
        "board",
        "lock",
    ]
    found, spoilt = everything(tmp_path)
    assert (found[-1].id, spoilt) == (an_id(3), 0)


def laid_out(path: Path) -> int:
    """How many bytes from the beginning were written, if with zeros only."""
    with path.open("rb") as file:
        return os.lseek(file.fileno(), 0, os.SEEK_HOLE)


def test_the_pages_of_a_segment_are_laid_out_before_the_first_row(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, segment_bytes=150_000)
    assert laid_out(segment_path(tmp_path, 1)) == 150_000
    while journal.size_bytes < 80_000:
        journal.append(a_record(1))
    until(lambda: journal._shelf.spare is not None)
    assert laid_out(spare_path(tmp_path)) == 150_000
    journal.close()
    assert segment_path(tmp_path, 1).stat().st_size == journal.size_bytes


def test_d12_pages_that_a_power_loss_took_cost_their_rows_only(tmp_path: Path) -> None:
    lines = [line_of(a_record(number)) for number in range(60)]
    data = bytearray(b"".join(lines))
    data[4096:8192] = bytes(4096)
    segment_path(tmp_path, 1).write_bytes(data + bytes(5000))
    segment_path(tmp_path, 2).write_bytes(line_of(a_record(99)))
    found, spoilt = everything(tmp_path)
    first, last = 4096 // len(lines[0]), -(-8192 // len(lines[0]))
    assert [entry.id for entry in found] == [an_id(number) for number in [*range(first), *range(last, 60), 99]]
    assert spoilt == 1


def test_a_row_that_is_still_being_copied_is_awaited(tmp_path: Path) -> None:
    line = line_of(a_record(1))
    torn = line[:30] + bytes(40) + line[70:]
    segment_path(tmp_path, 1).write_bytes(line + torn + bytes(3000))
    piece = read_piece(tmp_path, Position(0, 0))
    assert (piece.lines, piece.spoilt, piece.position) == ([a_record(1)], 0, Position(1, len(line)))


def test_every_write_may_wait_for_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path, sync_s=0, segment_bytes=1000)
    journal.open()
    assert all(journal.append(a_record(number)) for number in range(20))
    journal.close()
    assert len(everything(tmp_path)[0]) == 20


def test_a_bookmark_is_remembered_and_a_spoilt_one_costs_only_time(tmp_path: Path) -> None:
    bookmark = Bookmark(tmp_path)
    assert bookmark.load(0.0) == Position(0, 0)
    bookmark.save(Position(3, 77))
    assert bookmark.load(0.0) == Position(3, 77)
    (tmp_path / "shipped.json").write_bytes(b"{")
    assert bookmark.load(0.0) == Position(0, 0)


TEXTS = {
    "short": ("abc", "abc"),
    "long": ("x" * 300, "x" * 255 + "…"),
    "with NUL": ("a\x00b", "a␀b"),
    "half a pair": ("a\ud800b", "a?b"),
}


@pytest.mark.parametrize(("text", "kept"), TEXTS.values(), ids=TEXTS.keys())
def test_a_callers_text_is_made_plain(text: str, kept: str) -> None:
    assert plain(text) == kept


def test_meta_is_bounded_json() -> None:
    assert json_text(None) is None
    assert json_text({"a": "b\x00"}) == '{"a":"b␀"}'
    assert json_text({"a": "x" * 5000}) == '{"omitted_chars":5008}'
    assert json_text({"a": "\ud800"}) == '{"unreadable":true}'
