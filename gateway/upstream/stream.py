"""An open stream: bytes as they come, and one way to be done with it."""

import asyncio
import zlib
from collections.abc import Callable, Iterator

from gateway.domain.call import HeardHeaders
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
        "_into",
        "_pieces",
        "_pool",
        "_poured",
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
        self._into: Callable[[bytes | Failure], bool] | None = None
        self._poured: asyncio.Future[bool] | None = None
        self.status = head.status
        self.headers: HeardHeaders = head
        self.first_byte_ms = first_byte_ms
        connection.stream()

    async def read(self) -> bytes | Failure:
        """The next bytes, all that are there; empty at the end. After the end, or a failure, the same again."""
        while (data := self._ready()) is None:
            code = await self._connection.arrive(DATA)
            if code is not None:
                self._fail(code)
        return data

    async def pour(self, into: Callable[[bytes | Failure], bool]) -> None:
        """What `read` would tell, told to `into` the moment it is heard, until that has enough or the stream is over.

        Nobody is woken in between: a piece that passes through costs no turn of the event loop.
        """
        data = await self.read()
        if not into(data) or data is self._end:
            return
        self._into = into
        self._poured = asyncio.get_running_loop().create_future()
        self._connection.tap(self._pass_on)
        try:
            self._pass_on()
            if not await self._poured:
                raise RuntimeError("whoever was told of the stream failed; the event loop has reported how")
        finally:
            self._into = None
            if self._end is None:
                self._connection.untap()

    def close(self) -> None:
        """The connection is kept if the answer had come to its end, and closed otherwise."""
        self._finish(b"")

    def _pass_on(self) -> None:
        into, poured = self._into, self._poured
        if into is None or poured is None:
            return
        self._into = None  # what comes while this is told is told by the same loop
        more, well = True, False
        try:
            while more and (data := self._ready()) is not None:
                more = into(data) and data is not self._end
            well = True
        finally:
            if more and well:
                self._into = into
            elif not poured.done():
                poured.set_result(well)

    def _ready(self) -> bytes | Failure | None:
        """What can be told without waiting; None where there is nothing yet."""
        if self._end is not None:
            return self._end
        answer = self._connection.answer
        if self._inflater is not None:
            if data := self._inflated(self._inflater):
                return data
        elif answer.body:
            return self._connection.take()
        if answer.complete:
            self._finish(self._natural_end())
        elif answer.fault is not None:
            self._fail(answer.fault)
        return self._end

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
