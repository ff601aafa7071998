"""SQLite in trouble: somebody else writes, the log grows, the power may go."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.state.ledger.ledger import Ledger, open_ledger
from gateway.state.ledger.query import UsageQuery
from gateway.state.ledger.rows import batch_of
from gateway.state.ledger.sqlite import SqliteDatabase
from tests.stores.rows import a_record


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setattr("gateway.state.ledger.sqlite.BUSY_S", 0.05)
    one = open_ledger("sqlite://ledger.db", tmp_path, 0.01, SystemClock())
    one.start()
    yield one
    one.stop()


def until(condition: object) -> None:
    end = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_d08_while_another_writes_rows_wait_and_none_is_lost(ledger: Ledger, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(20):
        assert ledger.note(a_record(number))
    until(lambda: "ledger" in ledger.degraded())
    assert ledger.accepting, "the journal takes them"
    other.execute("ROLLBACK")
    other.close()
    until(lambda: ledger.lag == 0 and ledger.degraded() == ())
    (total,) = asyncio.run(ledger.usage(UsageQuery()))
    assert total.requests == 20


def test_d12_a_commit_counts_once_it_is_on_the_platter(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "ledger.db", time.monotonic)
    database.open()
    connection = database._connection
    assert connection is not None
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_d13_the_write_ahead_log_is_written_back_and_bounded(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "ledger.db", time.monotonic)
    database.open()
    log = tmp_path / "ledger.db-wal"
    sizes = []
    for batch in range(40):
        database.write(batch_of([a_record(batch * 1000 + number) for number in range(1000)]))
        sizes.append(log.stat().st_size)
    assert max(sizes) < 8 * 1024 * 1024, "it goes round, it does not grow"
    assert database.usage(UsageQuery())[0].requests == 40_000
    database.close()
