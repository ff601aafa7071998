"""An open stream: bytes as they come, and one way to be done with it."""

import zlib
from collections.abc import Iterator

from gateway.domain.call import Headers
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.upstream.answer_head import Head
from gateway.upstream.connection import DATA, Connection
from gateway.upstream.failures import failed
from gateway.upstream.inflate import Inflater
from gateway.upstream.pool import Pool


class OpenStream:
    """A 2xx head has arrived, the body is under way. `close` is synchronous and may be called twice."""

    __slots__ = (
        "_connection",
        "_end",
        "_inflater",
        "_pieces",
        "_pool",
        "_provider",
        "first_byte_ms",
        "headers",
        "status",
    )

    def __init__(
        self, pool: Pool, provider: Provider, connection: Connection, head: Head, first_byte_ms: float
    ) -> None:
        self._pool = pool
        self._provider = provider
        self._connection = connection
        self._inflater = Inflater(head.encoding) if head.encoding else None
        self._pieces: Iterator[bytes] = iter(())
        self._end: bytes | Failure | None = None
        self.status = head.status
        self.headers: Headers = head.headers
        self.first_byte_ms = first_byte_ms
        connection.stream()

    async def read(self) -> bytes | Failure:
        """The next bytes, all that are there; empty at the end. After the end, or a failure, the same again."""
        connection = self._connection
        while self._end is None:
            data = connection.take() if self._inflater is None else self._inflated(self._inflater)
            if data:
                return data
            if connection.answer.complete:
                self._finish(self._natural_end())
            else:
                code = await connection.arrive(DATA)
                if code is not None:
                    self._fail(code)
        return self._end

    def close(self) -> None:
        """The connection is kept if the answer had come to its end, and closed otherwise."""
        self._finish(b"")

    def _inflated(self, inflater: Inflater) -> bytes:
        """The next piece; a broken compression ends the stream."""
        try:
            for piece in self._pieces:
                return piece
            self._pieces = inflater.feed(self._connection.take())
            return next(self._pieces, b"")
        except zlib.error:
            self._fail("bad_encoding")
            return b""

    def _natural_end(self) -> bytes | Failure:
        if self._inflater is not None and not self._inflater.finished:
            return failed("upstream_incomplete", self._provider, sent=True, status=self.status)
        return b""

    def _fail(self, code: str) -> None:
        self._finish(failed(code, self._provider, sent=True, status=self.status))

    def _finish(self, end: bytes | Failure) -> None:
        if self._end is None:
            self._end = end
            self._pool.give_back(self._connection)
