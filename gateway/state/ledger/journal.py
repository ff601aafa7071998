"""The journal: one line a row, appended by one write before the answer ends, so that no kill loses what was said.

Segments are rotated by size and removed once shipped. A thread brings them to the platter every `sync_s`; with 0 each
write waits for that. When the disk refuses, rows wait in a bounded buffer and `failing` says so.
"""

import contextlib
import fcntl
import logging
import os
import threading
from collections import deque
from pathlib import Path

from msgspec import Struct

from gateway.state.kept_file import sync_directory
from gateway.state.ledger.lines import line_of
from gateway.state.ledger.record import Entry
from gateway.state.store_error import StoreError

log = logging.getLogger("tokenhub.ledger")

SEGMENT_BYTES = 8 * 1024 * 1024
MAX_BYTES = 1024 * 1024 * 1024
"""From this size on `full` says that nobody takes the rows away."""
WAITING_ROWS = 20_000
FRESH_ROWS = 5_000
Fresh = tuple[int, int, int, Entry]
"""Segment, where the line begins, where it ends, what it says."""


class Position(Struct, frozen=True, order=True):
    """A place in the journal."""

    segment: int
    offset: int


class Journal:
    """Written by one process, from one thread; `open` refuses a folder that another process holds."""

    def __init__(
        self, folder: Path, sync_s: float = 0.05, segment_bytes: int = SEGMENT_BYTES, max_bytes: int = MAX_BYTES
    ) -> None:
        self.folder = folder
        self.first_new = 0
        """The segment that this process began with: everything before it was left by another."""
        self.appended = 0
        self.dropped = 0
        self.failing = False
        self.fresh: deque[Fresh] = deque(maxlen=FRESH_ROWS)
        """The last rows with the places after them, for whoever ships them: reading the file is for the rest."""
        self._sync_s = sync_s
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._descriptor = -1
        self._lock = -1
        self._segment = 0
        self._size = 0
        self._old_bytes = 0
        self._removed_bytes = 0
        """Counted by whoever ships, as `_old_bytes` is by whoever appends."""
        self._torn = False
        self._dirty = False
        self._waiting: deque[bytes] = deque()
        self._retired: deque[int] = deque()
        self._stop = threading.Event()
        self._syncer: threading.Thread | None = None

    def open(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = segments(self.folder)
            self._old_bytes = sum(segment_path(self.folder, each).stat().st_size for each in found)
            self.first_new = (found[-1] if found else 0) + 1
            self._begin(self.first_new)
        except BlockingIOError as error:
            raise StoreError(
                f"`{self.folder}` is in use by another tokenhub. Give each its own `data_dir`, or stop the other."
            ) from error
        except OSError as error:
            raise StoreError(
                f"cannot write the journal in `{self.folder}`: {error.strerror}. Set `data_dir` to a writable folder."
            ) from error
        if self._sync_s > 0:
            self._syncer = threading.Thread(target=self._sync_forever, name="journal-sync", daemon=True)
            self._syncer.start()

    def append(self, entry: Entry) -> bool:
        """True if it is written; False if it waits in memory for a disk that takes it."""
        self.appended += 1
        line = line_of(entry)
        if self._waiting or not self._write(line):
            self._wait_with(line)
            return self.flush_waiting()
        self.fresh.append((self._segment, self._size - len(line), self._size, entry))
        if self._size >= self._segment_bytes:
            self._rotate()
        return True

    @property
    def full(self) -> bool:
        return self.size_bytes > self._max_bytes

    @property
    def size_bytes(self) -> int:
        return self._old_bytes + self._size - self._removed_bytes

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def flush_waiting(self) -> bool:
        """Tries again what the disk refused."""
        while self._waiting:
            if not self._write(self._waiting[0]):
                return False
            self._waiting.popleft()
        return True

    def remove_before(self, position: Position) -> None:
        """Everything in the segments before this one is in the database."""
        for number in segments(self.folder):
            if number < position.segment:
                path = segment_path(self.folder, number)
                size = path.stat().st_size
                path.unlink()
                self._removed_bytes += size

    def close(self) -> None:
        self.flush_waiting()
        self._stop.set()
        if self._syncer is not None:
            self._syncer.join()
        self._sync()
        for descriptor in (self._descriptor, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._lock = -1

    def _write(self, line: bytes) -> bool:
        if self._torn:
            line = b"\n" + line
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            self._refused(error.strerror or "error")
            return False
        self._size += written
        self._dirty = True
        if written < len(line):
            self._torn = True
            self._refused("disk full")
            return False
        self._torn = False
        if self.failing:
            self.failing = False
            log.warning("the journal in `%s` is written again", self.folder)
        return self._sync_s > 0 or self._synced()

    def _synced(self) -> bool:
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._refused(error.strerror or "error")
            return False
        return True

    def _refused(self, why: str) -> None:
        if not self.failing:
            self.failing = True
            log.error("the journal in `%s` cannot be written: %s. Rows wait in memory; free the disk", self.folder, why)

    def _wait_with(self, line: bytes) -> None:
        if len(self._waiting) >= WAITING_ROWS:
            self.dropped += 1
            return
        self._waiting.append(line)

    def _rotate(self) -> None:
        self._retired.append(self._descriptor)
        self._old_bytes += self._size
        try:
            self._begin(self._segment + 1)
        except OSError as error:
            self._old_bytes -= self._size
            self._retired.pop()
            self._refused(error.strerror or "error")
        if self._syncer is None:
            self._sync()

    def _begin(self, segment: int) -> None:
        path = segment_path(self.folder, segment)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._segment = segment
        self._size = 0
        sync_directory(self.folder)

    def _sync_forever(self) -> None:
        while not self._stop.wait(self._sync_s):
            self._sync()

    def _sync(self) -> None:
        """Only one thread closes segments, so a descriptor it holds is never another file's."""
        if self._dirty:
            self._dirty = False
            with contextlib.suppress(OSError):
                os.fdatasync(self._descriptor)
        while self._retired:
            descriptor = self._retired.popleft()
            with contextlib.suppress(OSError):
                os.fdatasync(descriptor)
            os.close(descriptor)


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:010d}.journal"


def segments(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.journal") if path.stem.isdigit())
