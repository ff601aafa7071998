"""Most chunks of a stream differ in their text alone: the rest is learnt once, and then only held against the next."""

import msgspec

from gateway.dialects.openai.look import LOOK, text_of
from gateway.domain.answer import Chunk
from gateway.sse import MAX_EVENT_BYTES

LEAD = b"data: "
PADDING = b'"obfuscation":"'
"""A field of random letters, against those who listen to the lengths of chunks."""
LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PROBE = "tokenhub probe"


class Stencil:
    """An event but for its text, as it comes and as it is passed on.

    Between two quotes that are known to hold the text, plain characters can be nothing but text. Whatever is not plain
    there, and whatever differs elsewhere, has to be read.
    """

    __slots__ = ("_after", "_before", "_close", "_start", "_swap", "used")

    def __init__(self, before: bytes, after: bytes, swap: bytes) -> None:
        """`swap` stands in for `before` in what is passed on."""
        self._before = LEAD + before
        self._start = len(self._before)
        self._swap = swap
        after, marker, padding = after.partition(PADDING)
        self._after = after + marker
        self._close = padding.lstrip(LETTERS) if marker else b""
        self.used = False

    def cut(self, block: bytes) -> Chunk | None:
        """The chunk of one event, given without its blank line; None where it has to be read."""
        start = self._start
        if not block.startswith(self._before) or len(block) > MAX_EVENT_BYTES:
            return None
        end = block.find(b'"', start)
        rest = block[end:]
        if rest != self._after and not (self._close and self._is_padded(rest)):
            return None
        try:
            text = block[start:end].decode()
        except UnicodeDecodeError:
            return None
        if not text or "\\" in text or not text.isprintable():
            return None
        self.used = True
        return Chunk(self._swap + block[start:], True, None, False, False, len(text))

    def _is_padded(self, rest: bytes) -> bool:
        after, close = self._after, self._close
        return rest.startswith(after) and rest.endswith(close) and rest[len(after) : len(rest) - len(close)].isalnum()


def stencil_of(data: bytes, text: str, prefix: bytes, swap: bytes) -> Stencil | None:
    """Learnt from an event that was read; None where its text cannot be told from the rest of it.

    `prefix` is a beginning of events that is passed on as `swap`. A probe in the place of the text must come out as it.
    """
    said = text.encode()
    at = data.find(b'"%b"' % said, len(prefix)) + 1
    if not at or not data.startswith(prefix):
        return None
    before, after = data[:at], data[at + len(said) :]
    try:
        choices = LOOK.decode(before + PROBE.encode() + after).choices
    except msgspec.DecodeError:
        return None
    if not choices or text_of(choices[0]) != PROBE:
        return None
    return Stencil(before, after, swap + before[len(prefix) :])
