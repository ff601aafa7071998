"""Heads of answers as the lines that are written: what would end a line is found when the line is made."""

from collections.abc import Iterable
from typing import NewType

Pairs = list[tuple[bytes, bytes]]
Lines = NewType("Lines", bytes)
"""Whole lines of headers. Nothing else becomes them but what `lines_of` made, and ids and numbers of our own."""

NO_LINES = Lines(b"")
CR, LF, NUL = b"\r\n\0"


def lines_of(pairs: Iterable[tuple[bytes, bytes]]) -> Lines:
    return Lines(b"".join([b"%b: %b\r\n" % (one_line(name), one_line(value)) for name, value in pairs]))


def one_line(part: bytes) -> bytes:
    """A head with more lines than headers would say what nobody meant."""
    if LF in part or CR in part or NUL in part:
        raise RuntimeError("a header holds a character that would end it")
    return part


def joined(*parts: Lines) -> Lines:
    return Lines(b"".join(parts))


def pairs_of(lines: Lines) -> Pairs:
    """For those who take one header after the other."""
    parts = (line.partition(b": ") for line in lines.split(b"\r\n")[:-1])
    return [(name, value) for name, _, value in parts]
