"""Undo a compression that nobody asked for, in bounded steps and up to a bound."""

import asyncio
import zlib
from collections.abc import Iterator

STEP_BYTES = 1024 * 1024
WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": zlib.MAX_WBITS}


class Inflater:
    """Bytes in, bytes out, never more than a step at a time."""

    __slots__ = ("_coding", "_inner", "finished")

    def __init__(self, coding: str) -> None:
        """Raises KeyError for a coding we do not know."""
        self._coding = coding
        self._inner = zlib.decompressobj(WINDOW[coding])
        self.finished = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises zlib.error."""
        while data:
            data, out = self._step(data)
            if out:
                yield out

    def _step(self, data: bytes) -> tuple[bytes, bytes]:
        try:
            out = self._inner.decompress(data, STEP_BYTES)
        except zlib.error:
            if self._coding != "deflate":
                raise
            self._coding = "raw"  # some servers leave out the wrapping that the standard asks for
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
            out = self._inner.decompress(data, STEP_BYTES)
        rest = self._inner.unconsumed_tail
        self.finished = self._inner.eof
        if self.finished and self._inner.unused_data:
            rest = self._inner.unused_data
            self._inner = zlib.decompressobj(WINDOW.get(self._coding, -zlib.MAX_WBITS))
            self.finished = False
        return rest, out


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
