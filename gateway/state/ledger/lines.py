"""One journal line a row: JSON and a newline. What was torn or spoilt is told from what is whole.

A kill or a power loss leaves a row without its end, or zeros in it, and neither is JSON. So no row carries a checksum:
to work one out touches more of the processor's nearest cache than all the rest of writing a row. Journals that were
written before have one in front of each row, eight digits and a space, and are read as they always were.
"""

from zlib import crc32

import msgspec
from msgspec import Struct

from gateway.state.ledger.record import Entry
from gateway.state.ledger.short import COMMON, Line, Values

AT_ONCE_BYTES = 64 * 1024

write_row = msgspec.json.Encoder().encode_into
"""In place of what a buffer holds; without the newline."""
_decode = msgspec.json.Decoder(Line).decode
_decode_all = msgspec.json.Decoder(list[Line]).decode

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def line_of(entry: Entry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"


def common_line(number: int, common: Values) -> bytes:
    """What rows that say this number have in common; without the newline."""
    return msgspec.json.encode((COMMON, number, common))


class Lines(Struct, frozen=True):
    """What a piece of a journal holds."""

    rows: list[Line]
    spoilt: int
    """Lines that are not whole; their bytes stay in the segment until it goes."""
    consumed: int
    """Bytes up to the end of the last newline."""


def read_lines(data: bytes) -> Lines:
    """Many at once where every line is whole, and line by line elsewhere."""
    rows: list[Line] = []
    start, spoilt, end = 0, 0, data.rfind(b"\n") + 1
    while start < end:
        stop = data.rfind(b"\n", start, start + AT_ONCE_BYTES) + 1 or data.index(b"\n", start) + 1
        some = data[start : stop - 1]
        try:
            rows += _decode_all(b"[%b]" % some.replace(b"\n", b","))
        except UNREADABLE:
            spoilt += _read_one_by_one(some, rows)
        start = stop
    return Lines(rows, spoilt, end)


def _read_one_by_one(data: bytes, rows: list[Line]) -> int:
    """How many are spoilt."""
    spoilt = 0
    for line in data.split(b"\n"):
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif line:
            spoilt += 1
    return spoilt


def _row(line: bytes) -> Line | None:
    if not line.startswith(b"["):
        checksum, line = line[:9], line[9:]
        if checksum != b"%08x " % crc32(line):
            return None
    try:
        row: Line = _decode(line)
    except UNREADABLE:
        return None
    return row
