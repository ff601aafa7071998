"""The segments of one journal: those that are full, the one that is written, and the next one, set aside in time."""

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.state.kept_file import sync_directory, write_whole
from gateway.state.ledger.lines import line_of
from gateway.state.ledger.record import Admitted
from gateway.state.ledger.segment import Segment, segment_path, segments, spare_path, trim
from gateway.state.store_error import StoreError


class Shelf:
    """Rows come from one thread; one other prepares segments, and closes them."""

    def __init__(self, folder: Path, segment_bytes: int, room: int) -> None:
        self.spare: Segment | None = None
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._room = room
        """For rows that are copied: NO_ROOM where each row waits for the platter."""
        self._sizes: dict[int, int] = {}
        """Of the segments before the one that is written."""
        self._retired: deque[Segment] = deque()
        self._set_aside_in = 0

    def find(self) -> None:
        """What earlier processes left."""
        spare_path(self._folder).unlink(missing_ok=True)
        self._sizes = {each: trim(segment_path(self._folder, each)) for each in segments(self._folder)}

    @property
    def first_free(self) -> int:
        return max(self._sizes, default=0) + 1

    def take_over(self, left: Sequence[Admitted]) -> bool:
        """Whom the process before this one was serving: a segment of their own says so now. False if it cannot."""
        if left:
            number, rows = self.first_free, b"".join(map(line_of, left))
            try:
                write_whole(segment_path(self._folder, number), rows)
            except StoreError:
                return False
            self._sizes[number] = len(rows)
        return True

    def begin(self, number: int) -> Segment:
        spare = self.spare
        if spare is None:
            return Segment(segment_path(self._folder, number), number, self._room)
        spare.become(segment_path(self._folder, number), number)
        self.spare = None
        return spare

    def after(self, full: Segment) -> Segment:
        """The next one; an OSError leaves all as it was."""
        segment = self.begin(full.number + 1)
        segment.rows = full.rows
        self._sizes[full.number] = full.size
        self._retired.append(full)
        return segment

    def size_bytes(self, written: Segment) -> int:
        return sum(tuple(self._sizes.values())) + written.size

    def remove_before(self, number: int) -> None:
        for each in segments(self._folder):
            if each < number:
                segment_path(self._folder, each).unlink()
                self._sizes.pop(each, None)

    def retire(self, segment: Segment) -> None:
        self._retired.append(segment)

    def close_retired(self, sync: Callable[[Segment], object]) -> None:
        """Only one thread closes segments, so that none is closed while it is brought to the platter."""
        if self._retired:
            with contextlib.suppress(OSError):
                sync_directory(self._folder)
        while self._retired:
            segment = self._retired.popleft()
            sync(segment)
            segment.close()

    def set_aside(self, written: Segment) -> None:
        """The next segment, once for each that is half full: a disk that refuses is not asked again and again."""
        if self.spare is None and written.number > self._set_aside_in and written.size * 2 > self._segment_bytes:
            self._set_aside_in = written.number
            with contextlib.suppress(OSError):
                spare = Segment(spare_path(self._folder), written.number + 1, self._segment_bytes)
                spare.fill()
                self.spare = spare

    def discard_spare(self) -> None:
        if self.spare is not None:
            self.spare.discard()
