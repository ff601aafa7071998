"""The journal: one line a row, in the file before the answer ends, so that no kill loses what was said.

Segments are rotated by size and removed once shipped. A thread brings them to the platter every `sync_s`, and sets the
next one aside in time; with 0 each row waits for the platter. When the disk refuses, rows wait in a bounded buffer and
`failing` says so.
"""

import contextlib
import errno
import fcntl
import logging
import os
import threading
from collections import deque
from pathlib import Path

from gateway.state.kept_file import sync_directory
from gateway.state.ledger.board import NOWHERE, Board
from gateway.state.ledger.lines import common_line, write_row
from gateway.state.ledger.record import Entry
from gateway.state.ledger.segment import NEWLINE, NO_ROOM, Position, Segment
from gateway.state.ledger.shelf import Shelf
from gateway.state.ledger.short import PLAIN, PLAIN_WIDTH, SHORT, Values, bounded, whole
from gateway.state.store_error import StoreError

log = logging.getLogger("tokenhub.ledger")

SEGMENT_BYTES = 2 * 1024 * 1024
MAX_BYTES = 1024 * 1024 * 1024
"""From this size on `full` says that nobody takes the rows away."""
WAITING_ROWS = 20_000
MOST_NUMBERS = 4096
"""Of what rows of one segment have in common: callers and providers may say something else each time."""


class Journal:
    """Written by one process, from one thread; `open` refuses a folder that another process holds."""

    def __init__(
        self, folder: Path, sync_s: float = 0.05, segment_bytes: int = SEGMENT_BYTES, max_bytes: int = MAX_BYTES
    ) -> None:
        self.folder = folder
        self.first_new = 0
        """The segment that this process began with: everything before it was left by another."""
        self.dropped = 0
        self._lost = 0
        """Since the disk began to refuse."""
        self.failing = False
        self.full = False
        """Weighed whenever a segment comes or goes."""
        self.accepting = True
        """Neither failing nor full: looked at for each request, and worked out anew whenever one of both changes."""
        self._judging = threading.Lock()
        self._sync_s = sync_s
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._lock = -1
        self.board = Board(folder / "board", self.append)
        self._leave = self.board.leave
        self._shelf = Shelf(folder, segment_bytes, segment_bytes if sync_s > 0 else NO_ROOM)
        self._torn = False
        self._unsynced = False
        """The platter refused what the file had taken."""
        self._waiting: deque[tuple[bytes, int]] = deque()
        """Each with the place that is left once it is written."""
        self._row = bytearray()
        """The last one: every row is written down here first."""
        self._stop = threading.Event()
        self._syncer: threading.Thread | None = None

    def open(self) -> None:
        try:
            self._take_folder()
        except OSError as error:
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1
            raise StoreError(self._why_not(error)) from error
        self._weigh()
        if self._sync_s > 0:
            self._syncer = threading.Thread(target=self._sync_forever, name="journal-sync", daemon=True)
            self._syncer.start()

    def append(self, entry: Entry) -> bool:
        """True if it is written; False if it waits in memory for a disk that takes it."""
        return self._append(entry, NOWHERE)

    def conclude(self, place: int, own: Values, common: Values) -> None:
        """A Record in two parts, and whose place on the board is free again once that is written.

        Its own values are all of them, or the plain ones. It is written whole where it cannot refer to what is common.
        """
        segment = self._segment
        number = segment.numbers.get(common) or self._introduced(common)
        row = self._row
        write_row((PLAIN if len(own) == PLAIN_WIDTH else SHORT, number, own), row)
        start = segment.size
        end = start + len(row)
        if end >= segment.room or not number:
            self._append(whole(own, common), place)
            return
        memory = segment.memory
        memory[start:end] = row
        memory[end] = NEWLINE
        segment.size = end + 1
        segment.rows += 1
        if place != NOWHERE:
            self._leave(place)

    @property
    def size_bytes(self) -> int:
        return self._shelf.size_bytes(self._segment)

    @property
    def end(self) -> Position:
        """Behind everything that is written."""
        segment = self._segment
        return Position(segment.number, segment.size)

    @property
    def rows(self) -> int:
        """Of this process: what is written, and what waits."""
        return self._segment.rows + len(self._waiting)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def flush_waiting(self) -> bool:
        """Tries again what the disk refused."""
        while self._waiting:
            line, place = self._waiting[0]
            if not self._write(line):
                return False
            self._waiting.popleft()
            if place != NOWHERE:
                self._leave(place)
        return True

    def remove_before(self, position: Position) -> None:
        """Everything in the segments before this one is in the database."""
        self._shelf.remove_before(position.segment)
        self._weigh()

    def close(self) -> None:
        if self._lock < 0:
            return
        self.flush_waiting()
        self._stop.set()
        if self._syncer is not None:
            self._syncer.join()
        if self._waiting:
            log.error("%d rows that the disk refused are lost with this process", len(self._waiting))
        self._shelf.retire(self._segment)
        self._shelf.close_retired(self._sync)
        self._shelf.discard_spare()
        self.board.close()
        os.close(self._lock)
        self._lock = -1

    def _take_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._shelf.find()
        if self._shelf.take_over(self.board.left()):
            self.board.open(for_use=self._sync_s > 0)
        self.first_new = self._shelf.first_free
        self._segment = self._shelf.begin(self.first_new)
        self._segment.fill()
        sync_directory(self.folder)

    def _why_not(self, error: OSError) -> str:
        if isinstance(error, BlockingIOError):
            return f"`{self.folder}` is in use by another tokenhub. Give each its own `data_dir`, or stop the other."
        return f"cannot write the journal in `{self.folder}`: {error.strerror}. Set `data_dir` to a writable folder."

    def _append(self, entry: Entry, place: int) -> bool:
        row = self._row
        write_row(entry, row)
        if self._segment.copy(row):
            self._segment.rows += 1
        elif not self._append_by_write(bytes(row) + b"\n", place):
            return False
        if place != NOWHERE:
            self._leave(place)
        return True

    def _introduced(self, common: Values) -> int:
        """The number by which rows of this segment may refer to it from now on; 0 if there is none."""
        segment, common = self._segment, bounded(common)
        numbers = segment.numbers
        number = numbers.get(common)
        if number is None:
            number = len(numbers) + 1
            if number > MOST_NUMBERS or not segment.copy(common_line(number, common)):
                return 0
            numbers[common] = number
        return number

    def _append_by_write(self, line: bytes, place: int) -> bool:
        """What has no room, or has to wait."""
        segment = self._segment
        if not self.flush_waiting() or not self._write(line):
            self._wait_with(line, place)
            return False
        if segment.size >= self._segment_bytes:
            self._rotate()
        return True

    def _write(self, line: bytes) -> bool:
        if self._torn:
            line = b"\n" + line
        try:
            self._torn = self._segment.write(line) < len(line)
        except OSError as error:
            self._refused(error)
            return False
        if self._torn:
            self._refused(OSError(errno.ENOSPC, "disk full"))
            return False
        if self._sync_s <= 0 and not self._sync(self._segment):
            return False
        self._segment.rows += 1
        self._works_again()
        return True

    def _sync(self, segment: Segment) -> bool:
        """What the platter refuses is lost with the machine only; until it takes something again, no row is copied."""
        try:
            synced = segment.sync()
        except OSError as error:
            segment.room = NO_ROOM
            self._unsynced = True
            self._refused(error)
            return False
        if synced and self._unsynced:
            self._unsynced = False
            if not self._waiting:
                self._works_again()
        return True

    def _refused(self, error: OSError) -> None:
        if not self.failing:
            self.failing = True
            self._judge()
            why = error.strerror or "error"
            log.error("the journal in `%s` cannot be written: %s. Rows wait in memory; free the disk", self.folder, why)

    def _works_again(self) -> None:
        if self.failing and not self._unsynced:
            self.failing = False
            self._judge()
            lost, self._lost = self._lost, 0
            log.warning("the journal in `%s` is written again; %d rows were lost meanwhile", self.folder, lost)

    def _wait_with(self, line: bytes, place: int) -> None:
        """What is lost keeps its place: the next process says that somebody was served."""
        if len(self._waiting) >= WAITING_ROWS:
            if not self._lost:
                log.error("%d rows wait already: as long as the disk refuses, those that come are lost", WAITING_ROWS)
            self.dropped += 1
            self._lost += 1
            return
        self._segment.room = NO_ROOM
        self._waiting.append((line, place))

    def _rotate(self) -> None:
        try:
            self._segment = self._shelf.after(self._segment)
        except OSError as error:
            self._refused(error)
            return
        self._weigh()
        if self._syncer is None:
            self._shelf.close_retired(self._sync)

    def _weigh(self) -> None:
        self.full = self.size_bytes > self._max_bytes
        self._judge()

    def _judge(self) -> None:
        """By any of three threads, one after the other: the last of them sees what all have found."""
        with self._judging:
            self.accepting = not (self.failing or self.full)

    def _sync_forever(self) -> None:
        while not self._stop.wait(self._sync_s):
            self._sync(self._segment)
            self._shelf.close_retired(self._sync)
            with contextlib.suppress(OSError):  # what the segment is refused is told
                self.board.sync()
            self._shelf.set_aside(self._segment)
