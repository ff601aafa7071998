"""D18: tables of an older version are brought up to date, whole or not at all, by one process while others wait."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.state.ledger import postgres, sqlite
from gateway.state.ledger.database import Database
from gateway.state.ledger.postgres import PostgresDatabase
from gateway.state.ledger.query import PageQuery
from gateway.state.ledger.rows import batch_of
from gateway.state.ledger.sqlite import SqliteDatabase
from gateway.state.store_error import StoreError
from tests.stores.rows import a_record

NEXT = (
    "ALTER TABLE requests ADD COLUMN region TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE regions (name TEXT PRIMARY KEY)",
)
KNOWN = {module: module.VERSIONS for module in (sqlite, postgres)}
BROKEN = (NEXT[0], "CREATE TABLE requests (twice TEXT)")


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    """As the workers of one gateway: a supervisor holds the lock for them."""
    if request.param == "sqlite":
        return lambda: SqliteDatabase(tmp_path / "ledger.db", time.monotonic, held=True)
    url = request.getfixturevalue("postgres_url")
    return lambda: PostgresDatabase(url)


def versions(monkeypatch: pytest.MonkeyPatch, *more: tuple[str, ...]) -> None:
    """What the program of another day knows."""
    for module, known in KNOWN.items():
        monkeypatch.setattr(module, "VERSIONS", (*known, *more))


def test_rows_stay_and_processes_of_the_version_before_go_on(
    make: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make()
    old.open()
    old.write(batch_of([a_record(1)]))
    versions(monkeypatch, NEXT)
    new = make()
    new.open()
    new.write(batch_of([a_record(2)]))
    old.write(batch_of([a_record(3)]))
    for database in (old, new):
        assert [row.id for row in database.requests(PageQuery())] == [a_record(number).id for number in (3, 2, 1)]
        database.close()


def test_many_that_start_at_once_migrate_once(make: Callable[[], Database], monkeypatch: pytest.MonkeyPatch) -> None:
    for more in ((), (NEXT,)):
        versions(monkeypatch, *more)
        crowd = [make() for _ in range(6)]
        with ThreadPoolExecutor(len(crowd)) as pool:
            list(pool.map(lambda database: database.open(), crowd))
        for number, database in enumerate(crowd):
            database.write(batch_of([a_record(number)]))
            database.close()


def test_a_migration_that_fails_half_way_changes_nothing(
    make: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make()
    old.open()
    old.write(batch_of([a_record(1)]))
    versions(monkeypatch, BROKEN)
    broken = make()
    with pytest.raises(StoreError):
        broken.open()
    broken.close()
    versions(monkeypatch, NEXT)
    mended = make()
    mended.open()
    assert [row.id for row in mended.requests(PageQuery())] == [a_record(1).id]
    for database in (old, mended):
        database.close()
