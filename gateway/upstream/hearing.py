"""One answer after the other out of the bytes of a connection; knows nothing of sockets or time."""

from functools import partial
from math import inf
from typing import Any, Final

import httptools

from gateway.upstream.answer_head import Head, read_head
from gateway.upstream.bounds import Bounds

RESET = "connection_reset"
INCOMPLETE = "upstream_incomplete"
MALFORMED = "malformed_response"

BEGUN: Final = None
"""What the parser notes when another answer begins; then come a status, bytes, and whether the connection may stay."""
END_OF_HEAD = b"\r\n\r\n"
SWITCHED = 101
PLAIN_STATUS: Final = 200
LETTER_H: Final = 72
CARRIAGE_RETURN: Final = 13
IN_ONE_PIECE: Final = 4
"""Notes of an answer whose body came with its head: each of them once."""


class Hearing:
    """`start`, then `feed` until `complete` or `fault`; the bytes may be cut anywhere."""

    # fmt: off
    __slots__ = (
        "_bounds", "_dry", "_early", "_notes", "_parser", "_room", "_small", "_taken", "body", "complete", "fault",
        "head", "heard", "keep", "on_body", "on_message_begin", "size",
    )
    # fmt: on

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._small = min(bounds.head_bytes, bounds.body_bytes)
        self._notes: list[Any] = []
        """What the parser found in the bytes that it was fed last."""
        self.on_message_begin = partial(self._notes.append, BEGUN)
        self.on_body = self._notes.append
        self._parser: Any = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []
        self.head: Head | None = None
        self.size = self._taken = 0
        self._room: float = inf
        self.complete = True
        self.keep = True
        """The connection can carry another answer after this one."""
        self.fault: str | None = None
        """A code that says why this answer will never be complete."""
        self._start_over()

    def start(self) -> None:
        """From here on another answer is expected; the one before has come to its end, and been taken."""
        self.complete = False
        self.head = None
        self.size = self._taken = 0
        if self.heard:
            self._start_over()

    def feed(self, data: bytes) -> None:
        if self.complete or self.fault is not None:
            self.keep = False  # words nobody asked for: whose answer would they be?
            return
        notes = self._notes
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._follow(data, notes)
            self.fail(MALFORMED)
        else:
            if self.size and notes and (more := _joined(notes)) is not None:
                self._dry = 0
                self._add(more)
            elif len(notes) != IN_ONE_PIECE or self.heard or not self._is_plain(data, notes):
                self._follow(data, notes)
        notes.clear()

    def hang_up(self, *, clean: bool) -> None:
        """The other side will say nothing more."""
        self.keep = False
        if self.complete or self.fault is not None:
            return
        if clean and self.head is not None and self.head.until_close:
            self.complete = True
        else:
            self.fault = RESET if self.head is None else INCOMPLETE

    def fail(self, code: str) -> None:
        self.keep = False
        if self.fault is None and not self.complete:
            self.fault = code

    def take(self) -> bytes:
        """What has been heard of the body and not been taken."""
        body, self._taken = self.body, self.size
        if len(body) == 1:
            return body.pop()
        self.body = []
        return b"".join(body)

    @property
    def buffered(self) -> int:
        """How much has been heard of the body and not been taken."""
        return self.size - self._taken

    def unbounded(self) -> None:
        """The body is taken as it comes, so it may be as long as it likes."""
        self._room = inf
        self.heard = True

    def forget(self) -> None:
        """Nothing will be heard any more; ends the circle with the parser."""
        self._parser = None

    # what the parser says, beside `on_message_begin` and `on_body`

    def on_headers_complete(self) -> None:
        self._notes.append(self._parser.get_status_code())

    def on_message_complete(self) -> None:
        self._notes.append(self._parser.should_keep_alive())

    # inside

    def _start_over(self) -> None:
        self.heard = False
        """Something has come that had to be followed, note by note."""
        self._early = b""
        """What has come of a head that is not complete."""
        self._dry = 0
        """How many bytes have come without content: a head or trailers without an end, if they grow too many."""
        self._room = self._bounds.body_bytes

    def _is_plain(self, data: bytes, notes: list[Any]) -> bool:
        """A 200 in one piece, with nothing before, between and after: then it is complete. `_follow` finds the same.

        The parser was content, so that after the body there could only be the end of a line: of chunks, or a stray one.
        """
        size = len(data)
        if (
            notes[3] is not True
            or notes[1] != PLAIN_STATUS
            or size > self._small
            or data[0] != LETTER_H
            or data[-1] <= CARRIAGE_RETURN
        ):
            return False
        body = notes[2]
        self.head = read_head(PLAIN_STATUS, data[: size - len(body) - 4])
        if self.head is None:
            return False
        self.body.append(body)
        self.size = len(body)
        self.complete = True
        return True

    def _follow(self, data: bytes, notes: list[Any]) -> None:
        """One note after the other."""
        self.heard = True
        before = self.size
        self._dry += len(data)
        if self.head is None:
            self._early += data
        for note in notes:
            if isinstance(note, bytes):
                if not self.complete and self.fault is None:
                    self._add(note)
            elif note is BEGUN:
                self.keep = self.keep and not self.complete
            elif not isinstance(note, bool):
                self._open(note)
            elif self.head is not None and not self.complete and self.fault is None:
                self.keep = note
                self.complete = True
        if self.size != before:
            self._dry = 0
        elif self._dry > self._bounds.head_bytes:
            self.fail(MALFORMED)

    def _open(self, status: int) -> None:
        if self.complete or self.head is not None:
            return
        raw, _, rest = self._early.lstrip(b"\r\n").partition(END_OF_HEAD)
        self._early = b""
        head = read_head(status, raw) if 100 <= status <= 599 and status != SWITCHED else None
        if head is None or len(raw) > self._bounds.head_bytes:
            self.fail(MALFORMED)
        elif status < 200:  # only a word on the way
            self._early = rest
        else:
            self.head = head
            if status >= 300:
                self._of_no_use(status)

    def _add(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._room:
            self._overflow(data)
        else:
            self.body.append(data)

    def _of_no_use(self, status: int) -> None:
        """A redirect is never followed; of an error, not much is read."""
        if status < 400:
            self.fail("unexpected_redirect")
        else:
            self._room = self._bounds.error_bytes

    def _overflow(self, data: bytes) -> None:
        """Of an error the beginning is enough; half an answer is none."""
        if self.head is not None and self.head.status >= 400:
            self.body.append(data[: len(data) - int(self.size - self._room)])
            self.complete = True
            self.keep = False
        else:
            self.fail("response_too_large")


def _joined(notes: list[Any]) -> bytes | None:
    """In the middle of a body there is mostly more of it and nothing else: only that can be joined."""
    try:
        return b"".join(notes)
    except TypeError:
        return None
