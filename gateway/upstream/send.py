"""Calls to providers over HTTP/1.1: a whole reply, an open stream, or a failure that says what became of it."""

from collections.abc import Iterable
from functools import partial

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

    async def send(self, provider: Provider, call: Call, patience: Patience) -> Reply | Failure:
        """The whole reply, whatever its status."""
        began = self._clock.monotonic()
        pool = self._pool(provider)
        connection = await self._exchange(pool, provider, call, patience, WHOLE, began)
        if type(connection) is Failure:
            return connection
        try:
            return self._plain(connection, began) or await self._inflated(provider, connection, began)
        finally:
            pool.give_back(connection)

    async def open(self, provider: Provider, call: Call, patience: Patience) -> OpenStream | Reply | Failure:
        """A stream where the head says 2xx and not JSON, else the whole reply."""
        began = self._clock.monotonic()
        pool = self._pool(provider)
        connection = await self._exchange(pool, provider, call, patience, HEAD, began)
        if isinstance(connection, Failure):
            return connection
        streams = False
        try:
            head = connection.answer.head
            streams = head is not None and _is_stream(head)
            if head is not None and streams:
                return OpenStream(pool, provider, connection, head, (connection.head_at - began) * 1000)
            code = await connection.arrive(WHOLE)
            if code is not None:
                return _broken(code, provider, connection)
            return self._plain(connection, began) or await self._inflated(provider, connection, began)
        finally:
            if not streams:
                pool.give_back(connection)

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

    def _pool(self, provider: Provider) -> Pool:
        key = provider.identity or provider.name
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(self._clock, self._bounds, partial(self._forget, key))
        return pool

    def _forget(self, key: str, pool: Pool) -> None:
        pool.close_idle()
        if self._pools.get(key) is pool:
            del self._pools[key]

    async def _exchange(
        self, pool: Pool, provider: Provider, call: Call, patience: Patience, want: int, now: float
    ) -> Connection | Failure:
        """A connection on which the answer has arrived as far as wanted; whoever gets it gives it back."""
        letter = pool.letters.write(provider, call)
        if letter is None:
            return failed("invalid_call", provider)
        if self._closed or now >= patience.until or not pool.enter(provider.max_concurrency):
            refusal = await self._wait(pool, patience, now)
            if refusal is not None:
                return failed(refusal, provider)
            now = self._clock.monotonic()
        stale = handed_on = False
        origin, head = letter
        connection = pool.take_idle(origin, now)
        try:
            while True:
                if connection is None:
                    made = await self._dialer.dial(provider, origin, patience, pool.lost)
                    if isinstance(made, str):
                        return failed(made, provider, sent=stale)
                    connection = pool.adopt(made)
                    now = self._clock.monotonic()
                connection.begin(head, call.body, patience, now)
                code = await connection.arrive(want)
                if code is None:
                    handed_on = True
                    return connection
                if not connection.stale:
                    return _broken(code, provider, connection)
                stale = True  # hung up on before we spoke: once more, on a new connection
                pool.drop(connection)
                connection = None
        finally:
            if not handed_on:
                pool.give_up(connection)

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

    def _plain(self, connection: Connection, began: float) -> Reply | None:
        """The reply as it was said; None where it is compressed, or none."""
        head = connection.answer.head
        if head is None or head.encoding:
            return None
        first_byte_ms = (connection.head_at - began) * 1000
        return Reply(status=head.status, headers=head.headers, body=connection.take(), first_byte_ms=first_byte_ms)

    async def _inflated(self, provider: Provider, connection: Connection, began: float) -> Reply | Failure:
        head = connection.answer.head
        if head is None:
            return failed("malformed_response", provider, sent=True)
        most = self._bounds.body_bytes if head.status < 400 else self._bounds.error_bytes
        body = await inflate(connection.take(), head.encoding, most)
        if isinstance(body, str):
            if head.status < 400:
                return failed(body, provider, sent=True, status=head.status)
            body = b""  # the status says enough
        first_byte_ms = (connection.head_at - began) * 1000
        return Reply(status=head.status, headers=head.headers, body=body, first_byte_ms=first_byte_ms)


def _is_stream(head: Head) -> bool:
    """JSON where a stream was asked for is an answer in one piece; so is what we could not inflate bit by bit."""
    if not 200 <= head.status < 300 or (head.encoding and head.encoding not in WINDOW):
        return False
    return not head.content_type.startswith("application/json")


def _broken(code: str, provider: Provider, connection: Connection) -> Failure:
    status = connection.answer.head.status if connection.answer.head is not None else None
    return failed(code, provider, sent=code != "unexpected_redirect", status=status)
