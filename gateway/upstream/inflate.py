"""Undo a compression that nobody asked for, in bounded steps and up to a bound."""

import asyncio
import zlib
from collections.abc import Iterator

STEP_BYTES = 1024 * 1024
WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": zlib.MAX_WBITS}


class Inflater:
    """Bytes in, bytes out, never more than a step at a time."""

    __slots__ = ("_coding", "_inner", "_start", "finished")

    def __init__(self, coding: str) -> None:
        """`coding` is one of `WINDOW`."""
        self._coding = coding
        self._start = b""
        self._inner = None if coding == "deflate" else zlib.decompressobj(WINDOW[coding])
        self.finished = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises zlib.error."""
        if self._inner is None:
            self._start = data = self._start + data
            if len(data) < 2:
                return
            self._inner = zlib.decompressobj(_window_of_deflate(data))
        while data:
            data, out = self._step(self._inner, data)
            if out:
                yield out

    def _step(self, inner: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes]:
        out = inner.decompress(data, STEP_BYTES)
        rest = inner.unconsumed_tail
        self.finished = inner.eof
        if self.finished and inner.unused_data and self._coding != "deflate":
            rest = inner.unused_data  # a gzip may have several members
            self._inner = zlib.decompressobj(WINDOW[self._coding])
            self.finished = False
        return rest, out


def _window_of_deflate(data: bytes) -> int:
    """Some servers leave out the wrapping that the standard asks for."""
    wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


async def inflate(body: bytes, coding: str, max_bytes: int) -> bytes | str:
    """The whole body; a code where that cannot be."""
    if coding not in WINDOW:
        return "bad_encoding"
    inflater = Inflater(coding)
    out: list[bytes] = []
    size = 0
    try:
        for piece in inflater.feed(body):
            size += len(piece)
            if size > max_bytes:
                return "response_too_large"
            out.append(piece)
            if len(piece) == STEP_BYTES:
                await asyncio.sleep(0)  # a bomb must not hold the loop
    except zlib.error:
        return "bad_encoding"
    return b"".join(out) if inflater.finished or not body else "upstream_incomplete"
