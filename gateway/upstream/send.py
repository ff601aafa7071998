"""Calls to providers over HTTP/1.1: a whole reply, an open stream, or a failure that says what became of it."""

from collections.abc import Coroutine, Iterable
from functools import partial
from typing import Any, overload

from gateway.clock import Clock
from gateway.domain.call import Call, Patience, Reply
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.upstream.answer_head import Head
from gateway.upstream.bounds import Bounds
from gateway.upstream.connection import HEAD, WHOLE, Connection
from gateway.upstream.dial import Dialer
from gateway.upstream.failures import failed
from gateway.upstream.inflate import WINDOW, inflate
from gateway.upstream.names import Lookup
from gateway.upstream.pool import Pool
from gateway.upstream.stream import OpenStream

DEFAULT_BOUNDS = Bounds()


class Upstream:
    """All connections of one event loop. Nothing is raised but CancelledError."""

    def __init__(self, *, clock: Clock, bounds: Bounds = DEFAULT_BOUNDS, lookup: Lookup | None = None) -> None:
        self._clock = clock
        self._bounds = bounds
        self._dialer = Dialer(clock, bounds, lookup)
        self._pools: dict[str, Pool] = {}
        self._closed = False

    @overload
    async def send(self, provider: Provider, call: Call, patience: Patience) -> Reply | Failure: ...

    @overload
    async def send(
        self, provider: Provider, call: Call, patience: Patience, want: int
    ) -> OpenStream | Reply | Failure: ...

    async def send(
        self, provider: Provider, call: Call, patience: Patience, want: int = WHOLE
    ) -> OpenStream | Reply | Failure:
        """The whole reply, whatever its status; more may come of it where only the head is wanted, see `open`."""
        now = began = self._clock.monotonic()
        pool = self._pools.get(provider.identity or provider.name) or self._new_pool(provider)
        letter = pool.letters.write(provider, call)
        if letter is None:
            return failed("invalid_call", provider)
        if pool.in_use < provider.max_concurrency and now < patience.until and not self._closed:
            pool.in_use += 1
        else:
            refusal = await self._wait(pool, patience, now)
            if refusal is not None:
                return failed(refusal, provider)
            now = self._clock.monotonic()
        origin, said = letter
        connection = pool.take_idle(origin, now)
        streams = hung_up = False
        try:
            if connection is not None:
                code = await connection.begin(said, patience, want, now)
                if code is not None and connection.stale:  # hung up on before we spoke: once more, on a new connection
                    hung_up = True
                    pool.drop(connection)
                    connection = None
            if connection is None:
                made = await self._dialer.dial(provider, origin, patience, pool.lost)
                if isinstance(made, str):
                    return failed(made, provider, sent=hung_up)
                connection = pool.adopt(made)
                code = await connection.begin(said, patience, want, self._clock.monotonic())
            head = connection.answer.head
            if code is None and want == WHOLE and head is not None and not head.encoding:
                first_byte_ms = (connection.head_at - began) * 1000
                return Reply(
                    status=head.status, headers=head, body=connection.answer.take(), first_byte_ms=first_byte_ms
                )
            outcome = await self._otherwise(pool, provider, connection, want, code, began)
            streams = isinstance(outcome, OpenStream)
            return outcome
        finally:
            if not streams:
                pool.give_back(connection)

    def open(
        self, provider: Provider, call: Call, patience: Patience
    ) -> "Coroutine[Any, Any, OpenStream | Reply | Failure]":
        """A stream where the head says 2xx and not JSON, else the whole reply."""
        return self.send(provider, call, patience, HEAD)

    def keep_only(self, providers: Iterable[Provider]) -> None:
        """Close the pools of all others when their last call ends; equal identities keep their connections."""
        named = {provider.identity or provider.name for provider in providers}
        for key, pool in list(self._pools.items()):
            pool.retired = key not in named
            if pool.retired:
                pool.close_idle()
                if pool.in_use == 0:
                    del self._pools[key]

    async def aclose(self) -> None:
        """Ends what is under way; every later call fails."""
        self._closed = True
        for pool in list(self._pools.values()):
            await pool.aclose("server_shutdown")
        await self._dialer.aclose()

    async def _otherwise(
        self, pool: Pool, provider: Provider, connection: Connection, want: int, code: str | None, began: float
    ) -> OpenStream | Reply | Failure:
        """Anything but a whole reply as it was said."""
        head = connection.answer.head
        first_byte_ms = (connection.head_at - began) * 1000
        if code is None and want == HEAD:
            if head is not None and _is_stream(head):
                return OpenStream(pool, provider, connection, head, first_byte_ms)
            code = await connection.arrive(WHOLE)
        if code is not None:
            status = None if head is None else head.status
            return failed(code, provider, sent=code != "unexpected_redirect", status=status)
        if head is None:
            return failed("malformed_response", provider, sent=True)
        most = self._bounds.body_bytes if head.status < 400 else self._bounds.error_bytes
        heard = connection.take()
        body = await inflate(heard, head.encoding, most) if head.encoding else heard
        if isinstance(body, str):
            if head.status < 400:
                return failed(body, provider, sent=True, status=head.status)
            body = b""  # the status says enough
        return Reply(status=head.status, headers=head, body=body, first_byte_ms=first_byte_ms)

    async def _wait(self, pool: Pool, patience: Patience, now: float) -> str | None:
        """For a place in the pool, where none was free; a code says why there is none."""
        if self._closed:
            return "server_shutdown"
        left_s = patience.until - now
        if left_s <= 0:
            return "deadline_exceeded"
        if await pool.wait_in_line(min(patience.connect_s, left_s)):
            return None
        if self._closed:
            return "server_shutdown"
        return "pool_exhausted" if patience.until > self._clock.monotonic() else "deadline_exceeded"

    def _new_pool(self, provider: Provider) -> Pool:
        key = provider.identity or provider.name
        pool = self._pools[key] = Pool(self._clock, self._bounds, partial(self._forget, key))
        return pool

    def _forget(self, key: str, pool: Pool) -> None:
        pool.close_idle()
        if self._pools.get(key) is pool:
            del self._pools[key]


def _is_stream(head: Head) -> bool:
    """JSON where a stream was asked for is an answer in one piece; so is what we could not inflate bit by bit."""
    if not 200 <= head.status < 300 or (head.encoding and head.encoding not in WINDOW):
        return False
    return not head.content_type.startswith("application/json")
