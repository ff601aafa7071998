"""The ledger in one SQLite file: one writer, a write-ahead log, every commit on the platter before it counts."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

from msgspec import convert

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
from gateway.state.ledger.rows import Alike, Batch, Row, alike, ids_of, is_plain, news, row_of, sums, whole_rows
from gateway.state.ledger.schema import NEWEST, VERSION_TABLE, VERSIONS
from gateway.state.ledger.sql import (
    ADD_USAGE,
    DELETIONS,
    HIGHEST,
    LOST_BY_TIME,
    LOST_OF_ORIGIN,
    PUT_ADMISSION,
    PUT_AUDIT,
    PUT_BODIES,
    PUT_REQUEST,
    RUNNING,
    alike_of,
    ends_of,
    of_many,
    outcomes_of,
)
from gateway.state.store_error import RowsRefusedError, StoreError, StoreRefusedError

T = TypeVar("T")

BUSY_S = 5.0
QUERY_S = 10.0
CHECKED_BYTES = 32 * 1024 * 1024
"""Files up to this size are checked page by page at the start."""
MOST_AT_ONCE = 7
"""As a power of two: so many rows, or ids, a statement."""
MANY_ALIKE = 8
"""Fewer are sooner written together with others that are not like them."""


class SqliteDatabase:
    """Opened by one process at a time, or by the workers of a supervisor that holds the lock for all of them."""

    def __init__(self, path: Path, now: Callable[[], float], *, held: bool = False) -> None:
        self._path = path
        self._now = now
        self._lock = None if held else Lock(path)
        self._turn = threading.Lock()
        """One transaction at a time, whichever thread it comes from."""
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
            ended = self._outcomes(connection, [each.id for each in batch.admissions])
            self._write_requests(connection, batch.requests)
            waiting = [row_of(each) for each in batch.admissions if each.id not in ended]
            _put(connection, PUT_ADMISSION, waiting)
            _put(connection, PUT_AUDIT, [row_of(row) for row in batch.audit])
            _put(connection, PUT_BODIES, [row_of(body) for body in batch.bodies])

    def close_lost(self, origin: str | None, unix: float) -> int:
        statement, value = (LOST_BY_TIME, unix) if origin is None else (LOST_OF_ORIGIN, origin)
        with self._transaction() as connection:
            rows = connection.execute(statement, (value,)).fetchall()
            records = [lost(_admitted(row)) for row in rows]
            return self._write_requests(connection, alike(records))

    def usage(self, query: UsageQuery) -> list[UsageRow]:
        return [usage_row(query, row) for row in self._read(usage_statement(query))]

    def requests(self, query: PageQuery) -> list[Record]:
        return [convert(["r", *row], Record, strict=False) for row in self._read(requests_statement(query))]

    def audit(self, query: PageQuery) -> list[AuditRow]:
        return [convert(["u", *row], AuditRow, strict=False) for row in self._read(audit_statement(query))]

    def delete_before(self, table: str, unix: float, most: int) -> int:
        with self._transaction() as connection:
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
            if version > NEWEST:
                raise StoreRefusedError(
                    f"the ledger `{self._path}` was written by a newer tokenhub (tables of version {version}, "
                    f"this one knows {NEWEST}). Upgrade this one."
                )
            for statements in VERSIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute("DELETE FROM tokenhub_schema")
            connection.execute("INSERT INTO tokenhub_schema VALUES (?)", (NEWEST,))

    def _write_requests(self, connection: sqlite3.Connection, requests: Alike) -> int:
        """How many of them say something new."""
        ids = ids_of(requests)
        fresh, risen = news(requests, self._outcomes(connection, ids))
        _put_requests(connection, fresh)
        _put(connection, ADD_USAGE, sums(fresh, risen))
        running = {row[0] for row in connection.execute(RUNNING)}
        for some in _evened(sorted(running.intersection(ids)) if running else []):
            connection.execute(ends_of(len(some)), some)
        return sum(map(len, fresh.values()))

    def _outcomes(self, connection: sqlite3.Connection, ids: list[str]) -> dict[str, str]:
        """Of those that are there: most ids are younger than all of them."""
        (highest,) = connection.execute(HIGHEST).fetchone()
        known: dict[str, str] = {}
        if ids and highest is not None and min(ids) <= highest:
            for some in _evened([each for each in ids if each <= highest]):
                known |= dict(connection.execute(outcomes_of(len(some)), some))
        return known

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
                if not done and connection.in_transaction:
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


def _put_requests(connection: sqlite3.Connection, groups: Alike) -> None:
    """To bind a value costs more than to write it: what many have in common is bound once for all of them."""
    few: Alike = {}
    for common, rows in groups.items():
        if len(rows) < MANY_ALIKE:
            few[common] = rows
            continue
        plain = is_plain(common)
        for some in _slices(rows):
            connection.execute(alike_of(len(some), plain=plain), [*common, *chain.from_iterable(some)])
    _put(connection, PUT_REQUEST, whole_rows(few))


def _put(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    """Many rows a statement: every step of SQLite lets go of the interpreter, and the requests make us wait for it."""
    for some in _slices(rows):
        connection.execute(of_many(statement, len(some)), list(chain.from_iterable(some)))


def _slices(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """In lengths that are powers of two: statements of so few kinds are understood once, and found again."""
    start, count = 0, len(things)
    for power in range(MOST_AT_ONCE, -1, -1):
        while count - start >= 1 << power:
            yield things[start : start + (1 << power)]
            start += 1 << power


def _evened(ids: list[str]) -> Iterator[list[str]]:
    """In such lengths too: an id that is asked for twice changes nothing."""
    for start in range(0, len(ids), 1 << MOST_AT_ONCE):
        some = ids[start : start + (1 << MOST_AT_ONCE)]
        yield some + some[-1:] * ((1 << (len(some) - 1).bit_length()) - len(some))


def _admitted(row: Row) -> Admitted:
    return convert(["a", *row], Admitted)
