"""One journal line: a checksum, a space, JSON, a newline. What was torn or spoilt is told from what is whole."""

from zlib import crc32

import msgspec
from msgspec import Struct

from gateway.state.ledger.record import Entry

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Entry).decode


def line_of(entry: Entry) -> bytes:
    payload = _encode(entry)
    return b"%08x %b\n" % (crc32(payload), payload)


class Lines(Struct, frozen=True):
    """What a piece of a journal holds."""

    entries: list[Entry]
    spoilt: int
    """Lines that are not whole; their bytes stay in the segment until it goes."""
    consumed: int
    """Bytes up to the end of the last newline."""


def read_lines(data: bytes) -> Lines:
    end = data.rfind(b"\n") + 1
    entries: list[Entry] = []
    spoilt = 0
    for line in data[:end].split(b"\n"):
        entry = _entry(line)
        if entry is not None:
            entries.append(entry)
        elif line:
            spoilt += 1
    return Lines(entries, spoilt, end)


def _entry(line: bytes) -> Entry | None:
    payload = line[9:]
    if line[:9] != b"%08x " % crc32(payload):
        return None
    try:
        entry: Entry = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return entry
