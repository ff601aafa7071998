"""One file of a journal while it is written: its room is set aside first, so that a row costs a copy in memory.

What is copied is in the file at once, whatever becomes of the process. Behind the rows stand zeros, which no row holds,
until the segment is closed. Blocks that belong to the file already cannot be refused later: a full disk is an error
where room is set aside, and there rows go by `write`, as they do where a file system knows no such thing.
"""

import contextlib
import os
from mmap import mmap
from pathlib import Path

from msgspec import Struct

from gateway.state.ledger.short import Values

NEWLINE = ord("\n")
NO_ROOM = 0
CHUNK = 64 * 1024
ZEROS = bytes(CHUNK)


class Position(Struct, frozen=True, order=True):
    """A place in the journal."""

    segment: int
    offset: int


class Segment:
    """Open for writing. A row that ends within `room` may be copied into `memory`; `size` is what rows take.

    `rows` counts those that the process has written, here and in the segments before. `numbers` are those by which rows
    of this segment refer to what they have in common.
    """

    __slots__ = ("_descriptor", "_path", "_synced", "memory", "number", "numbers", "room", "rows", "size")

    def __init__(self, path: Path, number: int, room: int) -> None:
        self.number = number
        self.size = 0
        self.rows = 0
        self.numbers: dict[Values, int] = {}
        self._path = path
        self._synced = 0
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.memory = _set_aside(self._descriptor, room)
        self.room = len(self.memory)

    def fill(self) -> None:
        """With zeros, before the first row: else the file system is asked for each page when a row first touches it."""
        with contextlib.suppress(OSError):
            for start in range(0, self.room, CHUNK):
                os.pwrite(self._descriptor, ZEROS[: self.room - start], start)

    def copy(self, line: bytes | bytearray) -> bool:
        """And a newline after it; False where there is no room."""
        start = self.size
        end = start + len(line)
        if end >= self.room:
            return False
        self.memory[start:end] = line
        self.memory[end] = NEWLINE
        self.size = end + 1
        return True

    def write(self, data: bytes) -> int:
        """Behind everything that is there; how much of it the disk took."""
        written = os.pwrite(self._descriptor, data, self.size)
        self.size += written
        return written

    def sync(self) -> bool:
        """What was there when it began is on the platter when it ends; False if it was before."""
        size = self.size
        if size == self._synced:
            return False
        os.fdatasync(self._descriptor)
        self._synced = size
        return True

    def become(self, path: Path, number: int) -> None:
        """Of one that was prepared under another name."""
        self._path.rename(path)
        self._path, self.number = path, number

    def close(self) -> None:
        """On the platter, and without the room that was left."""
        self.room = NO_ROOM
        if isinstance(self.memory, mmap):
            self.memory.close()
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
        with contextlib.suppress(OSError):
            self.sync()
        os.close(self._descriptor)
        self._descriptor = -1

    def discard(self) -> None:
        """Of one that nothing was written to."""
        self.close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:010d}.journal"


def spare_path(folder: Path) -> Path:
    """What was set aside for the next segment."""
    return folder / "next.journal"


def segments(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.journal") if path.stem.isdigit())


def trim(path: Path) -> int:
    """Takes back the room behind the rows of a process that could not do it any more; how long they are."""
    size = written = path.stat().st_size
    with path.open("r+b") as file:
        while written:
            start = max(0, written - CHUNK)
            file.seek(start)
            rows = file.read(written - start).rstrip(b"\0")
            written = start + len(rows)
            if rows:
                break
        if written < size:
            file.truncate(written)
    return written


def _set_aside(descriptor: int, room: int) -> mmap | bytearray:
    """Empty where the disk is full, or the file system does not know how: then nothing is taken from it."""
    if room:
        try:
            os.posix_fallocate(descriptor, 0, room)
            return mmap(descriptor, room)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
    return bytearray()
