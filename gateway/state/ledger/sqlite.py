"""The ledger in one SQLite file: one writer, a write-ahead log, every commit on the platter before it counts."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import convert

from gateway.state.ledger.calls import EVERY_REQUEST, Calls, evened, put
from gateway.state.ledger.lock import Lock
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
from gateway.state.ledger.rows import Alike, Batch, Row, alike, ids_of, news, row_of, sums
from gateway.state.ledger.schema import SQLITE_VERSIONS as VERSIONS
from gateway.state.ledger.schema import VERSION_TABLE
from gateway.state.ledger.sql import (
    ADD_USAGE,
    DELETIONS,
    LOST_BY_TIME,
    LOST_OF_ORIGIN,
    PUT_ADMISSION,
    PUT_AUDIT,
    PUT_BODIES,
    RUNNING,
    ends_of,
)
from gateway.state.store_error import RowsRefusedError, StoreError, StoreRefusedError

BUSY_S = 5.0
QUERY_S = 10.0
CHECKED_BYTES = 32 * 1024 * 1024
"""Files up to this size are checked page by page at the start."""


class SqliteDatabase:
    """Opened by one process at a time, or by the workers of a supervisor that holds the lock for all of them."""

    def __init__(self, path: Path, now: Callable[[], float], *, held: bool = False) -> None:
        self._path = path
        self._now = now
        self._lock = None if held else Lock(path)
        self._turn = threading.Lock()
        """One transaction at a time, whichever thread it comes from."""
        self._calls = Calls()
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        if self._lock is not None:
            self._lock.take()
        try:
            self._create()
            with self._speaking():
                connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
                self._connection = connection
                self._check()
                for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=67108864"):
                    connection.execute(f"PRAGMA {pragma}")
                self._migrate()
        except StoreError:
            self.close()
            raise

    def _create(self) -> None:
        """For nobody else's eyes: SQLite would create it as readable as the umask permits."""
        with contextlib.suppress(OSError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def write(self, batch: Batch) -> None:
        with self._transaction() as connection:
            ended = self._calls.outcomes(connection, [each.id for each in batch.admissions])
            self._write_requests(connection, batch.requests)
            waiting = [row_of(each) for each in batch.admissions if each.id not in ended]
            put(connection, PUT_ADMISSION, waiting)
            put(connection, PUT_AUDIT, [row_of(row) for row in batch.audit])
            put(connection, PUT_BODIES, [row_of(body) for body in batch.bodies])

    def close_lost(self, origin: str | None, unix: float) -> int:
        statement, value = (LOST_BY_TIME, unix) if origin is None else (LOST_OF_ORIGIN, origin)
        with self._transaction() as connection:
            rows = connection.execute(statement, (value,)).fetchall()
            records = [lost(_admitted(row)) for row in rows]
            return self._write_requests(connection, alike(records))

    def usage(self, query: UsageQuery) -> list[UsageRow]:
        return [usage_row(query, row) for row in self._read(usage_statement(query))]

    def requests(self, query: PageQuery) -> list[Record]:
        return [
            convert(["r", *row], Record, strict=False) for row in self._read(requests_statement(query, EVERY_REQUEST))
        ]

    def audit(self, query: PageQuery) -> list[AuditRow]:
        return [convert(["u", *row], AuditRow, strict=False) for row in self._read(audit_statement(query))]

    def delete_before(self, table: str, unix: float, most: int) -> int:
        with self._transaction() as connection:
            if table == "requests":
                return self._calls.delete_before(connection, unix, most)
            return connection.execute(DELETIONS[table], (first_id_at(unix), most)).rowcount

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.release()

    def _check(self) -> None:
        connection = self._ready()
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if self._path.stat().st_size <= CHECKED_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(str(verdict)[:200])

    def _migrate(self) -> None:
        with self._transaction() as connection:
            connection.execute(VERSION_TABLE)
            row = connection.execute("SELECT version FROM tokenhub_schema").fetchone()
            version = row[0] if row else 0
            if version > len(VERSIONS):
                raise StoreRefusedError(
                    f"the ledger `{self._path}` was written by a newer tokenhub (tables of version {version}, "
                    f"this one knows {len(VERSIONS)}). Upgrade this one."
                )
            for statements in VERSIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute("DELETE FROM tokenhub_schema")
            connection.execute("INSERT INTO tokenhub_schema VALUES (?)", (len(VERSIONS),))

    def _write_requests(self, connection: sqlite3.Connection, requests: Alike) -> int:
        """How many of them say something new."""
        ids = ids_of(requests)
        known = self._calls.outcomes(connection, ids)
        fresh, risen = news(requests, known)
        added = sums(fresh, risen)
        if added:
            again = [each for each in ids_of(fresh) if each in known] if known else []
            self._calls.put(connection, fresh, day=max(row[0] for row in added), again=again)
            put(connection, ADD_USAGE, added)
        running = {row[0] for row in connection.execute(RUNNING)}
        for some in evened(sorted(running.intersection(ids)) if running else []):
            connection.execute(ends_of(len(some)), some)
        return sum(map(len, fresh.values()))

    def _read(self, statement: Statement) -> list[Row]:
        """On a connection of its own, so that a long question holds nobody up, and not longer than QUERY_S."""
        with self._speaking():
            connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
            try:
                until = self._now() + QUERY_S
                connection.set_progress_handler(lambda: int(self._now() > until), 10_000)
                return connection.execute(*statement).fetchall()
            finally:
                connection.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn, self._speaking():
            connection = self._ready()
            connection.execute("BEGIN IMMEDIATE")
            done = False
            try:
                yield connection
                connection.execute("COMMIT")
                done = True
            finally:
                if not done:
                    self._calls.forget()
                    if connection.in_transaction:
                        with contextlib.suppress(sqlite3.Error):
                            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(f"the ledger `{self._path}` does not answer: {error}") from error
        except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError) as error:
            raise RowsRefusedError(f"the ledger `{self._path}` does not take a row: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreRefusedError(
                f"the ledger `{self._path}` is damaged: {error}. It is left as it is: move it and its `-wal` file away "
                "(a new one is begun), or restore a copy."
            ) from error

    def _ready(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"the ledger `{self._path}` is not open")
        return self._connection


def _admitted(row: Row) -> Admitted:
    return convert(["a", *row], Admitted)
