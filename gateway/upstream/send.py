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
        connection = await self._exchange(pool, provider, call, patience, WHOLE)
        if isinstance(connection, Failure):
            return connection
        try:
            return await self._reply(provider, connection, began)
        finally:
            pool.give_back(connection)

    async def open(self, provider: Provider, call: Call, patience: Patience) -> OpenStream | Reply | Failure:
        """A stream where the head says 2xx and not JSON, else the whole reply."""
        began = self._clock.monotonic()
        pool = self._pool(provider)
        connection = await self._exchange(pool, provider, call, patience, HEAD)
        if isinstance(connection, Failure):
            return connection
        streams = False
        try:
            head = connection.answer.head
            streams = head is not None and _is_stream(head)
            if head is not None and streams:
                return OpenStream(pool, provider, connection, head, (connection.head_at - began) * 1000)
            code = await connection.arrive(WHOLE)
            return _broken(code, provider, connection) if code else await self._reply(provider, connection, began)
        finally:
            if not streams:
                pool.give_back(connection)

    def keep_only(self, providers: Iterable[Provider]) -> None:
        """Close the pools of all others when their last call ends; equal identities keep their connections."""
        named = {_key(provider) for provider in providers}
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
        key = _key(provider)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = Pool(self._clock, self._bounds, partial(self._forget, key))
        return pool

    def _forget(self, key: str, pool: Pool) -> None:
        pool.close_idle()
        if self._pools.get(key) is pool:
            del self._pools[key]

    async def _exchange(
        self, pool: Pool, provider: Provider, call: Call, patience: Patience, want: int
    ) -> Connection | Failure:
        """A connection on which the answer has arrived as far as wanted; whoever gets it gives it back."""
        letter = pool.letters.write(provider, call)
        if letter is None:
            return failed("invalid_call", provider)
        refusal = await self._enter(pool, provider, patience)
        if refusal is not None:
            return failed(refusal, provider)
        stale = handed_on = False
        origin, head = letter
        connection = pool.take_idle(origin, self._clock.monotonic())
        try:
            while True:
                if connection is None:
                    made = await self._dialer.dial(provider, origin, patience, pool.lost)
                    if isinstance(made, str):
                        return failed(made, provider, sent=stale)
                    connection = pool.adopt(made)
                connection.begin(head, call.body, patience, self._clock.monotonic())
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

    async def _enter(self, pool: Pool, provider: Provider, patience: Patience) -> str | None:
        """Take a place in the pool; a code says why there is none."""
        if self._closed:
            return "server_shutdown"
        left_s = patience.until - self._clock.monotonic()
        if left_s <= 0:
            return "deadline_exceeded"
        if await pool.enter(provider.max_concurrency, min(patience.connect_s, left_s)):
            return None
        if self._closed:
            return "server_shutdown"
        return "pool_exhausted" if patience.until > self._clock.monotonic() else "deadline_exceeded"

    async def _reply(self, provider: Provider, connection: Connection, began: float) -> Reply | Failure:
        head = connection.answer.head
        if head is None:
            return failed("malformed_response", provider, sent=True)
        body = connection.take()
        if head.encoding:
            most = self._bounds.body_bytes if head.status < 400 else self._bounds.error_bytes
            inflated = await inflate(body, head.encoding, most)
            if isinstance(inflated, str):
                if head.status < 400:
                    return failed(inflated, provider, sent=True, status=head.status)
                inflated = b""  # the status says enough
            body = inflated
        return Reply(
            status=head.status, headers=head.headers, body=body, first_byte_ms=(connection.head_at - began) * 1000
        )


def _key(provider: Provider) -> str:
    return provider.identity or provider.name


def _is_stream(head: Head) -> bool:
    """JSON where a stream was asked for is an answer in one piece; so is what we could not inflate bit by bit."""
    if not 200 <= head.status < 300 or (head.encoding and head.encoding not in WINDOW):
        return False
    return not head.content_type.lower().startswith("application/json")


def _broken(code: str, provider: Provider, connection: Connection) -> Failure:
    status = connection.answer.head.status if connection.answer.head is not None else None
    return failed(code, provider, sent=code != "unexpected_redirect", status=status)
