"""The ledger's databases, SQLite and PostgreSQL alike: what is written counts once, and is found again."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.state.ledger.database import Database
from gateway.state.ledger.postgres import PostgresDatabase
from gateway.state.ledger.query import PageQuery, UsageQuery, UsageRow
from gateway.state.ledger.rows import batch_of
from gateway.state.ledger.sqlite import SqliteDatabase
from gateway.state.store_error import RowsRefusedError, StoreRefusedError
from tests.stores.rows import UNIX, a_record, an_admission, an_audit_row, an_id


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    if request.param == "sqlite":
        return lambda: SqliteDatabase(tmp_path / "ledger.db", time.monotonic)
    url = request.getfixturevalue("postgres_url")
    return lambda: PostgresDatabase(url)


@pytest.fixture
def database(make: Callable[[], Database]) -> Iterator[Database]:
    database = make()
    database.open()
    yield database
    database.close()


def total(database: Database, **more: Any) -> UsageRow:
    (row,) = database.usage(UsageQuery(**more))
    return row


def test_a_record_is_found_as_it_was_written(database: Database) -> None:
    record = a_record(meta='{"a":"␀"}', first_token_ms=3.25, stream=True, possibly_billed=True, usage_estimated=True)
    database.write(batch_of([record, a_record(2, first_token_ms=None)]))
    assert database.requests(PageQuery()) == [a_record(2, first_token_ms=None), record]


def test_d17_what_is_written_twice_counts_once(database: Database) -> None:
    batch = [an_admission(1), a_record(1), an_audit_row(9)]
    for _ in range(3):
        database.write(batch_of(batch))
    database.write(batch_of([*batch, a_record(2), *batch]))
    assert (total(database).requests, total(database).cost_nano_usd) == (2, 2_000)
    assert database.audit(PageQuery()) == [an_audit_row(9)]
    assert database.close_lost("journal-a", UNIX) == 0


def test_d20_an_admission_without_an_end_becomes_unknown_and_a_late_end_takes_its_place(database: Database) -> None:
    database.write(batch_of([an_admission(1), an_admission(2), an_admission(3, origin="journal-b"), a_record(2)]))
    assert database.close_lost("journal-a", UNIX) == 1
    (lost,) = database.requests(PageQuery(outcome="unknown"))
    assert (lost.id, lost.possibly_billed, lost.cost_nano_usd) == (an_id(1), True, 0)
    assert (total(database).requests, total(database).unknown, total(database).errors) == (2, 1, 1)
    database.write(batch_of([a_record(1, cost_nano_usd=77)]))
    database.write(batch_of([an_admission(1)]))
    sums = total(database)
    assert (sums.requests, sums.unknown, sums.errors, sums.cost_nano_usd) == (2, 0, 0, 1_077)
    assert database.close_lost("journal-a", UNIX) == 0
    assert database.close_lost(None, UNIX + 59) == 0
    assert database.close_lost(None, UNIX + 60) == 1


def test_an_admission_that_is_brought_again_together_with_its_end_was_not_lost(database: Database) -> None:
    database.write(batch_of([an_admission(1), an_admission(2)]))
    database.write(batch_of([an_admission(1), a_record(1), an_admission(2)]))
    assert database.close_lost("journal-a", UNIX) == 1


def test_usage_is_grouped_and_filtered(database: Database) -> None:
    database.write(
        batch_of(
            [
                a_record(1),
                a_record(2, model="gpt-5", provider="azure", cost_nano_usd=5_000),
                a_record(3, key="batch", status=500, outcome="released", cost_nano_usd=0),
                a_record(4, unix=UNIX - 86_400.0),
            ]
        )
    )
    by_key = database.usage(UsageQuery(group_by=("key",)))
    assert [(row.key, row.requests, row.cost_nano_usd) for row in by_key] == [("batch", 1, 0), ("web-app", 3, 7_000)]
    by_day = database.usage(UsageQuery(group_by=("day", "provider"), key="web-app"))
    assert [(row.day, row.provider, row.tokens) for row in by_day] == [
        ("2026-12-30", "openai", 15),
        ("2026-12-31", "azure", 15),
        ("2026-12-31", "openai", 15),
    ]
    assert total(database, since_unix=UNIX).requests == 3
    assert total(database, until_unix=1_798_675_200.0).requests == 1
    assert total(database, model="nobody").requests == 0


def test_requests_are_paged_from_the_newest_back(database: Database) -> None:
    database.write(batch_of([a_record(number, key="a" if number % 2 else "b") for number in range(1, 8)]))
    first = database.requests(PageQuery(limit=3))
    second = database.requests(PageQuery(limit=3, before=first[-1].id))
    assert [row.id for row in first + second] == [an_id(number) for number in (7, 6, 5, 4, 3, 2)]
    assert len(database.requests(PageQuery(key="a"))) == 4
    assert database.requests(PageQuery(since_unix=UNIX + 1)) == []
    assert database.requests(PageQuery(key="a' OR '1'='1")) == []


def test_old_rows_go_in_batches_and_the_sums_stay(database: Database) -> None:
    database.write(batch_of([a_record(number, unix=UNIX - 1000 + number) for number in range(10)]))
    assert [database.delete_before("requests", UNIX - 995, 3) for _ in range(3)] == [3, 2, 0]
    assert len(database.requests(PageQuery())) == 5
    assert total(database).requests == 10


def test_everything_is_there_after_opening_again(make: Callable[[], Database]) -> None:
    for number in (1, 2):
        database = make()
        database.open()
        database.write(batch_of([a_record(number)]))
        assert total(database).requests == number
        database.close()


def test_a_row_that_no_database_takes_is_refused_as_such(database: Database) -> None:
    with pytest.raises(RowsRefusedError):
        database.write(batch_of([a_record(1, cost_nano_usd=2**70)]))
    database.write(batch_of([a_record(2)]))
    assert total(database).requests == 1


def test_d18_tables_of_a_newer_version_are_refused(make: Callable[[], Database], tmp_path: Path) -> None:
    database = make()
    database.open()
    if isinstance(database, SqliteDatabase):
        database._ready().execute("UPDATE tokenhub_schema SET version = 999")
    else:
        assert isinstance(database, PostgresDatabase)

        async def raise_version(connection: Any) -> None:
            await connection.execute("UPDATE tokenhub_schema SET version = 999")

        database._run(lambda: database._transaction(raise_version))
    database.close()
    again = make()
    with pytest.raises(StoreRefusedError, match="Upgrade"):
        again.open()
    again.close()


def test_d14_a_second_process_on_one_file_is_refused(tmp_path: Path) -> None:
    first, second = (SqliteDatabase(tmp_path / "ledger.db", time.monotonic) for _ in range(2))
    first.open()
    with pytest.raises(StoreRefusedError, match="in use by another tokenhub"):
        second.open()
    first.close()
    second.open()
    second.close()


@pytest.mark.parametrize("offset", [0, 4096], ids=["its head", "a page"])
def test_d10_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "ledger.db"
    database = SqliteDatabase(path, time.monotonic)
    database.open()
    database.write(batch_of([a_record(number) for number in range(200)]))
    database.close()
    spoilt = bytearray(path.read_bytes())
    spoilt[offset : offset + 64] = b"\xaa" * 64
    path.write_bytes(bytes(spoilt))
    with pytest.raises(StoreRefusedError, match="move it and its"):
        SqliteDatabase(path, time.monotonic).open()
    assert path.read_bytes() == bytes(spoilt)


def test_a_postgres_that_is_away_says_so_without_its_password() -> None:
    from gateway.state.store_error import StoreError

    database = PostgresDatabase("postgresql://someone:CANARY-secret@127.0.0.1:1/ledger")
    with pytest.raises(StoreError) as caught:
        database.open()
    assert type(caught.value) is StoreError
    assert "CANARY" not in str(caught.value)
    database.close()


def test_a_ledger_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "ledger.db", time.monotonic)
    database.open()
    try:
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    finally:
        database.close()
    assert modes.keys() >= {"ledger.db", "ledger.db-wal"}
    assert set(modes.values()) == {"0o600"}
