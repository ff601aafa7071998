"""Reading a journal from where one stopped, segment after segment, while it is still being written."""

from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.state.kept_file import read_or_set_aside, write_whole
from gateway.state.ledger.lines import read_lines
from gateway.state.ledger.segment import Position, segment_path, segments
from gateway.state.ledger.short import Common, Commons, Line

PIECE_BYTES = 1024 * 1024


class Piece(Struct, frozen=True):
    """The next lines, all of them of one segment, and the place after them."""

    lines: list[Line]
    spoilt: int
    position: Position


def read_piece(folder: Path, position: Position, piece_bytes: int = PIECE_BYTES) -> Piece:
    """What follows a position; a line without its end is awaited in the newest segment and given up in older ones."""
    present = segments(folder)
    if position.segment not in present:
        later = [number for number in present if number > position.segment]
        if not later:
            return Piece([], 0, position)
        position = Position(later[0], 0)
    newest = present[-1] == position.segment
    data = _read(segment_path(folder, position.segment), position.offset, piece_bytes)
    if newest:
        data = _written(data)
    lines = read_lines(data)
    after = Position(position.segment, position.offset + lines.consumed)
    if not lines.consumed and len(data) == piece_bytes:
        return read_piece(folder, position, piece_bytes * 8)
    if lines.consumed or newest:
        return Piece(lines.rows, lines.spoilt, after)
    following = next(number for number in present if number > position.segment)
    return Piece([], 1 if _written(data) else 0, Position(following, 0))


class Memory:
    """What rows of the segment that is read have in common: said in lines before them, perhaps to another process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segment = 0
        self._commons: Commons = {}

    def before(self, position: Position) -> Commons:
        """As those need it who read on from here; they add to it."""
        if position.segment != self._segment:
            self._commons = {}
            if position.offset:
                said = read_lines(_read(segment_path(self._folder, position.segment), 0, position.offset))
                self._commons = {line.number: line.values for line in said.rows if type(line) is Common}
            self._segment = position.segment
        return self._commons


def _read(path: Path, offset: int, count: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        return file.read(count)


def _written(data: bytes) -> bytes:
    """No row holds a zero: the first one stands where nothing was written yet, or not all of a row."""
    end = data.find(b"\0")
    return data if end < 0 else data[:end]


class Bookmark:
    """The position up to which everything is in the database, remembered over restarts."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "shipped.json"
        self._read_back = msgspec.json.Decoder(Position).decode

    def load(self, unix: float) -> Position:
        """Losing it costs time, never rows: whatever is shipped twice counts once."""
        return read_or_set_aside(self._path, self._read_back, unix) or Position(0, 0)

    def save(self, position: Position) -> None:
        write_whole(self._path, msgspec.json.encode(position))
