"""The ledger in PostgreSQL, for several processes: the same rows, the same sums, each written once.

asyncpg wants an event loop; it gets one of its own, in a thread of its own, so that callers see plain blocking calls.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from msgspec import convert

from gateway.state.ledger.query import (
    PageQuery,
    Statement,
    UsageQuery,
    UsageRow,
    audit_statement,
    first_id_at,
    requests_statement,
    usage_row,
    usage_statement,
)
from gateway.state.ledger.record import Admitted, AuditRow, Record, lost
from gateway.state.ledger.rows import Alike, Batch, Row, alike, ids_of, news, row_of, sums, whole_rows
from gateway.state.ledger.schema import VERSION_TABLE, VERSIONS
from gateway.state.ledger.sql import (
    ADD_USAGE,
    DELETIONS,
    END_ADMISSION,
    LOST_BY_TIME,
    LOST_OF_ORIGIN,
    PUT_ADMISSION,
    PUT_AUDIT,
    PUT_BODIES,
    PUT_REQUEST,
)
from gateway.state.store_error import RowsRefusedError, StoreError, StoreRefusedError

T = TypeVar("T")
log = logging.getLogger("tokenhub.ledger")

CONNECT_S = 5.0
COMMAND_S = 10.0
TRIES = 5
MIGRATION_LOCK = 8_370_252_861


class PostgresDatabase:
    """One connection to write, one to read; both are made again when they break."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._asyncpg = _library()
        self._writing = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._writer: Any = None
        self._reader: Any = None

    def open(self) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="ledger-postgres", daemon=True)
            self._thread.start()
        self._run(self._migrate)

    def write(self, batch: Batch) -> None:
        async def put(connection: Any) -> None:
            await _write_requests(connection, batch.requests)
            ids = [each.id for each in batch.admissions]
            known = await connection.fetch("SELECT id FROM requests WHERE id = ANY($1::text[])", ids)
            ended = {row[0] for row in known}
            await _many(
                connection, PUT_ADMISSION, sorted(row_of(each) for each in batch.admissions if each.id not in ended)
            )
            await _many(connection, PUT_AUDIT, [row_of(row) for row in batch.audit])
            await _many(connection, PUT_BODIES, [row_of(body) for body in batch.bodies])

        self._run(lambda: self._transaction(put))

    def close_lost(self, origin: str | None, unix: float) -> int:
        async def close(connection: Any) -> int:
            statement, value = (LOST_BY_TIME, unix) if origin is None else (LOST_OF_ORIGIN, origin)
            found = await connection.fetch(f"{numbered(statement)} FOR UPDATE SKIP LOCKED", value)
            records = [lost(convert(["a", *row], Admitted)) for row in found]
            return await _write_requests(connection, alike(records))

        return self._run(lambda: self._transaction(close))

    def usage(self, query: UsageQuery) -> list[UsageRow]:
        return [usage_row(query, row) for row in self._read(usage_statement(query))]

    def requests(self, query: PageQuery) -> list[Record]:
        return [convert(["r", *row], Record) for row in self._read(requests_statement(query))]

    def audit(self, query: PageQuery) -> list[AuditRow]:
        return [convert(["u", *row], AuditRow) for row in self._read(audit_statement(query))]

    def delete_before(self, table: str, unix: float, most: int) -> int:
        async def delete(connection: Any) -> int:
            verdict: str = await connection.execute(numbered(DELETIONS[table]), first_id_at(unix), most)
            return int(verdict.rsplit(maxsplit=1)[-1])

        return self._run(lambda: self._transaction(delete))

    def close(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        with contextlib.suppress(self._asyncpg.PostgresError, self._asyncpg.InterfaceError, OSError, TimeoutError):
            asyncio.run_coroutine_threadsafe(self._hang_up(), loop).result(COMMAND_S)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(COMMAND_S)
        loop.close()

    async def _hang_up(self) -> None:
        for connection in (self._writer, self._reader):
            if connection is not None and not connection.is_closed():
                await connection.close(timeout=1.0)
        self._writer = self._reader = None

    def _read(self, statement: Statement) -> list[Row]:
        sql, values = statement

        async def fetch() -> list[Row]:
            async with self._reading:
                if self._reader is None or self._reader.is_closed():
                    self._reader = await self._connect()
                return [tuple(row) for row in await self._reader.fetch(numbered(sql), *values)]

        return self._run(fetch)

    async def _transaction(self, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        """Done once more when PostgreSQL says that two writers met."""
        asyncpg = self._asyncpg
        for attempt in range(TRIES):
            try:
                async with self._writing:
                    if self._writer is None or self._writer.is_closed():
                        self._writer = await self._connect()
                    async with self._writer.transaction():
                        return await work(self._writer)
            except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(0.02 * 2**attempt)
        raise StoreError("the ledger's PostgreSQL does not let a transaction through")

    async def _migrate(self) -> None:
        async def migrate(connection: Any) -> None:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
            await connection.execute(VERSION_TABLE)
            version = await connection.fetchval("SELECT version FROM tokenhub_schema") or 0
            if version > len(VERSIONS):
                raise StoreRefusedError(
                    f"the ledger's tables were written by a newer tokenhub (version {version}, this one knows "
                    f"{len(VERSIONS)}). Upgrade this one."
                )
            for statements in VERSIONS[version:]:
                for statement in statements:
                    await connection.execute(statement)
            await connection.execute("DELETE FROM tokenhub_schema")
            await connection.execute("INSERT INTO tokenhub_schema VALUES ($1)", len(VERSIONS))

        await self._transaction(migrate)

    async def _connect(self) -> Any:
        return await self._asyncpg.connect(self._dsn, timeout=CONNECT_S, command_timeout=COMMAND_S)

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Foreign errors stop here; none of them may show the address, which holds a password."""
        asyncpg, loop = self._asyncpg, self._loop
        if loop is None:
            raise StoreError("the ledger's PostgreSQL is not open")
        try:
            return asyncio.run_coroutine_threadsafe(work(), loop).result()
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise RowsRefusedError(f"the ledger's PostgreSQL does not take a row: {error}") from error
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError, ValueError) as error:
            raise StoreRefusedError(f"the ledger's PostgreSQL refuses us: {type(error).__name__}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise StoreError(f"the ledger's PostgreSQL does not answer: {type(error).__name__}") from error


def _library() -> Any:
    try:
        import asyncpg  # noqa: PLC0415 - only those who keep their ledger in PostgreSQL need it
    except ImportError as error:
        raise StoreRefusedError("a ledger in PostgreSQL needs `pip install tokenhub[postgres]`.") from error
    return asyncpg


def numbered(sql: str) -> str:
    """`?` as `$1`, `$2`, …: no statement of ours holds a question mark otherwise."""
    first, *rest = sql.split("?")
    return first + "".join(f"${index}{piece}" for index, piece in enumerate(rest, 1))


async def _write_requests(connection: Any, requests: Alike) -> int:
    """How many say something new. The admissions are locked first: whoever sweeps them too waits, or has finished."""
    if not requests:
        return 0
    ids = sorted(ids_of(requests))
    sql = "SELECT id FROM admissions WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
    running = await connection.fetch(sql, ids)
    known = await connection.fetch("SELECT id, outcome FROM requests WHERE id = ANY($1::text[])", ids)
    fresh, risen = news(requests, {row[0]: row[1] for row in known})
    rows = whole_rows(fresh)
    await _many(connection, PUT_REQUEST, sorted(rows))
    await _many(connection, ADD_USAGE, sums(fresh, risen))
    await _many(connection, END_ADMISSION, [(row[0],) for row in running])
    return len(rows)


async def _many(connection: Any, sql: str, rows: list[Row]) -> None:
    if rows:
        await connection.executemany(numbered(sql), rows)
