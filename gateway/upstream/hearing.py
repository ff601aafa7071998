"""One answer after the other out of the bytes of a connection; knows nothing of sockets or time."""

from math import inf
from typing import Any

import httptools

from gateway.upstream.answer_head import Head, read_head
from gateway.upstream.bounds import Bounds

RESET = "connection_reset"
INCOMPLETE = "upstream_incomplete"
MALFORMED = "malformed_response"


class Hearing:
    """`start`, then `feed` until `complete` or `fault`; the bytes may be cut anywhere."""

    # fmt: off
    __slots__ = (
        "_bounds", "_dry", "_early", "_parser", "_room", "_taken", "body", "complete", "fault", "head", "heard", "keep",
        "size",
    )
    # fmt: on

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._parser: Any = httptools.HttpResponseParser(self)
        self.start()
        self.complete = True

    def start(self) -> None:
        """From here on another answer is expected."""
        self._early = b""
        """What has come of a head that is not complete."""
        self._dry = 0
        """How many bytes have come without content: a head or trailers without an end, if they grow too many."""
        self._room: float = self._bounds.body_bytes
        self.body: list[bytes] = []
        self.size = self._taken = 0
        self.head: Head | None = None
        self.complete = self.heard = False
        self.keep = True
        """The connection can carry another answer after this one."""
        self.fault: str | None = None
        """A code that says why this answer will never be complete."""

    def feed(self, data: bytes) -> None:
        if self.complete or self.fault is not None:
            self.keep = False  # words nobody asked for: whose answer would they be?
            return
        self.heard = True
        before = self.size
        self._dry += len(data)
        if self.head is None:
            self._early += data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(MALFORMED)
        if self.size != before:
            self._dry = 0
        elif self._dry > self._bounds.head_bytes:
            self.fail(MALFORMED)

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
        body = self.body
        if not body:
            return b""
        self.body = []
        self._taken = self.size
        return body[0] if len(body) == 1 else b"".join(body)

    @property
    def buffered(self) -> int:
        """How much has been heard of the body and not been taken."""
        return self.size - self._taken

    def unbounded(self) -> None:
        """The body is taken as it comes, so it may be as long as it likes."""
        self._room = inf

    def forget(self) -> None:
        """Nothing will be heard any more; ends the circle with the parser."""
        self._parser = None

    # what the parser says

    def on_headers_complete(self) -> None:
        if self.complete or self.head is not None:
            return
        raw, _, rest = self._early.lstrip(b"\r\n").partition(b"\r\n\r\n")
        self._early = b""
        head = read_head(self._parser.get_status_code(), raw)
        if head is None or len(raw) > self._bounds.head_bytes:
            self.fail(MALFORMED)
        elif head.status < 200:  # only a word on the way
            self._early = rest
        else:
            self.head = head
            if head.status >= 300:
                self._of_no_use(head.status)

    def on_body(self, data: bytes) -> None:
        if self.complete or self.fault is not None:
            return
        self.size += len(data)
        if self.size > self._room:
            self._overflow(data)
        else:
            self.body.append(data)

    def on_message_begin(self) -> None:
        if self.complete:
            self.keep = False

    def on_message_complete(self) -> None:
        if self.head is not None and not self.complete and self.fault is None:
            self.keep = bool(self._parser.should_keep_alive())
            self.complete = True

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
