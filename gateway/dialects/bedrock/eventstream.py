"""Cut AWS's binary event stream into frames: bytes in, frames out, both checksums of each verified."""

import struct
import zlib
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from gateway.domain.trail import Failure

PRELUDE = struct.Struct(">III")
CHECKSUM = struct.Struct(">I")
LENGTH = struct.Struct(">H")
SMALLEST = PRELUDE.size + CHECKSUM.size
LARGEST = 1024 * 1024
LARGEST_HEADERS = 128 * 1024
NOTHING: Mapping[str, object] = MappingProxyType({})


class Frame(Struct, frozen=True):
    """One message: its headers by name, and its payload."""

    headers: Mapping[str, object]
    payload: bytes


class FrameReader:
    """Does no I/O: feed it any cuts. A Failure is the last thing it says, and names the byte where the stream broke."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._buffer = bytearray()
        self._offset = 0
        self._broken = False

    def feed(self, data: bytes) -> list[Frame | Failure]:
        if self._broken:
            return []
        self._buffer += data
        found: list[Frame | Failure] = []
        while len(self._buffer) >= PRELUDE.size:
            total = CHECKSUM.unpack_from(self._buffer)[0]
            if fault := self._fault_of_prelude():
                return [*found, self._break(*fault)]
            if len(self._buffer) < total:
                break
            try:
                found.append(self._frame(total))
            except _FrameError as error:
                return [*found, self._break(error.why)]
            del self._buffer[:total]
            self._offset += total
        return found

    def end(self) -> list[Frame | Failure]:
        """The bytes are over: what is left in hand was cut off."""
        if self._broken or not self._buffer:
            return []
        return [self._break(f"the stream ends after {len(self._buffer)} of its bytes", "upstream_incomplete")]

    def _fault_of_prelude(self) -> tuple[str, str] | None:
        total, headers, checksum = PRELUDE.unpack_from(self._buffer)
        if zlib.crc32(memoryview(self._buffer)[:8]) != checksum:
            return "the checksum of its prelude is wrong", "malformed_response"
        if total > self._largest:
            return f"it announces {total} bytes, {self._largest} are allowed", "event_too_large"
        if total < SMALLEST or headers > min(total - SMALLEST, LARGEST_HEADERS):
            return f"its lengths ({total} bytes, {headers} of headers) contradict each other", "malformed_response"
        return None

    def _frame(self, total: int) -> Frame:
        with memoryview(self._buffer) as view:
            if zlib.crc32(view[: total - 4]) != CHECKSUM.unpack_from(view, total - 4)[0]:
                raise _FrameError("the checksum of the message is wrong")
            cut = PRELUDE.size + PRELUDE.unpack_from(view)[1]
            block, payload = bytes(view[PRELUDE.size : cut]), bytes(view[cut : total - 4])
        return Frame(_headers(block) if block else NOTHING, payload)

    def _break(self, why: str, code: str = "malformed_response") -> Failure:
        self._broken = True
        return Failure(
            kind="transient" if code == "upstream_incomplete" else "garbled",
            code=code,
            message=f"The frame at byte {self._offset} of the stream is broken: {why}.",
            status=200,
            possibly_billed=True,
        )


class _FrameError(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


FIXED: Mapping[int, struct.Struct] = MappingProxyType(
    {
        2: struct.Struct(">b"),
        3: struct.Struct(">h"),
        4: struct.Struct(">i"),
        5: struct.Struct(">q"),
        8: struct.Struct(">q"),
    }
)
"""Types of headers with a number in them: byte, short, integer, long, milliseconds since 1970."""


def _headers(block: bytes) -> Mapping[str, object]:
    found: dict[str, object] = {}
    at = 0
    try:
        while at < len(block):
            name, at = _piece(block, at + 1, block[at])
            kind, at = block[at], at + 1
            key = name.decode()
            if key in found:
                raise _FrameError(f"header `{key[:40]}` comes twice")
            found[key], at = _value(kind, block, at)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise _FrameError("its headers do not fit their length") from None
    return found


def _value(kind: int, block: bytes, at: int) -> tuple[object, int]:
    if kind in (6, 7):
        length = LENGTH.unpack_from(block, at)[0]
        piece, at = _piece(block, at + 2, length)
        return (piece if kind == 6 else piece.decode()), at
    if kind in FIXED:
        layout = FIXED[kind]
        return layout.unpack_from(block, at)[0], at + layout.size
    if kind in (0, 1):
        return kind == 0, at
    if kind == 9:
        return _piece(block, at, 16)
    raise _FrameError(f"a header has the unknown type {kind}")


def _piece(block: bytes, at: int, length: int) -> tuple[bytes, int]:
    if at + length > len(block):
        raise IndexError
    return block[at : at + length], at + length
