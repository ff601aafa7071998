"""How SQLite keeps requests: in parts, and told whole; beside those that a version before wrote whole."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.state.ledger import calls
from gateway.state.ledger.query import PageQuery, UsageQuery, requests_statement
from gateway.state.ledger.record import Record, lost
from gateway.state.ledger.rows import alike, batch_of, day_of, sums, whole_rows
from gateway.state.ledger.schema import VERSION_TABLE, VERSIONS
from gateway.state.ledger.short import COMMON_COLUMNS, PLAIN_WIDTH, Common, Plain, Short
from gateway.state.ledger.sql import ADD_USAGE, PUT_REQUEST
from gateway.state.ledger.sqlite import SqliteDatabase
from gateway.state.store_error import RowsRefusedError
from tests.stores.rows import UNIX, a_record, an_admission, an_id, common_of, own_of

DAY_S = 86400.0
PATH = "ledger.db"


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], SqliteDatabase]:
    """As the workers of one gateway: a supervisor holds the lock for them."""

    def made() -> SqliteDatabase:
        database = SqliteDatabase(tmp_path / PATH, time.monotonic, held=True)
        database.open()
        return database

    return made


def asked(folder: Path, sql: str, *values: Any) -> list[Any]:
    connection = sqlite3.connect(folder / PATH)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def count(folder: Path, table: str) -> int:
    return int(asked(folder, f"SELECT count(*) FROM {table}")[0][0])


def written_before(folder: Path, records: list[Record]) -> None:
    """By a process of the version that knew neither calls nor kinds."""
    connection = sqlite3.connect(folder / PATH)
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'requests'").fetchone():
        for statement in (VERSION_TABLE, *VERSIONS[0]):
            connection.execute(statement)
        connection.execute("INSERT INTO tokenhub_schema VALUES (1)")
    connection.executemany(PUT_REQUEST, whole_rows(alike(records)))
    connection.executemany(ADD_USAGE, sums(alike(records)))
    connection.commit()
    connection.close()


def told(database: SqliteDatabase, **query: Any) -> list[Record]:
    return database.requests(PageQuery(**query))


def test_the_view_tells_every_column_of_a_record_in_order(make: Callable[[], SqliteDatabase], tmp_path: Path) -> None:
    make().close()
    columns = [row[1] for row in asked(tmp_path, f"PRAGMA table_info({calls.EVERY_REQUEST})")]
    assert columns == list(Record.__struct_fields__)
    kinds = {row[1] for row in asked(tmp_path, "PRAGMA table_info(kinds)")}
    assert kinds == {"number", "last_day", *COMMON_COLUMNS}


def test_what_many_have_in_common_is_kept_once(make: Callable[[], SqliteDatabase], tmp_path: Path) -> None:
    database = make()
    records = [a_record(number, model=f"m{number % 3}", image_tokens=number % 2) for number in range(300)]
    for start in range(0, 300, 100):
        database.write(batch_of(records[start : start + 100]))
    assert told(database, limit=1000) == list(reversed(records))
    database.close()
    assert (count(tmp_path, "kinds"), count(tmp_path, "calls"), count(tmp_path, "requests")) == (3, 300, 0)


def test_what_a_version_before_wrote_is_told_among_the_rest(make: Callable[[], SqliteDatabase], tmp_path: Path) -> None:
    old = [a_record(number) for number in range(10)]
    written_before(tmp_path, old)
    database = make()
    new = [a_record(number, model="m") for number in range(10, 20)]
    database.write(batch_of([*old, *new]))
    late = [a_record(number, key="late") for number in range(20, 25)]
    written_before(tmp_path, late)
    database.write(batch_of(late))
    everyone = list(reversed([*old, *new, *late]))
    assert told(database) == everyone
    assert told(database, limit=8) + told(database, before=everyone[7].id) == everyone
    assert told(database, key="late") == everyone[:5]
    assert told(database, model="m", limit=3) == everyone[5:8]
    usage = asked(tmp_path, "SELECT sum(requests), sum(cost_nano_usd) FROM usage")
    assert usage == [(25, 25_000)]
    database.close()


def test_what_was_lost_in_a_version_before_may_still_become_known(
    make: Callable[[], SqliteDatabase], tmp_path: Path
) -> None:
    written_before(tmp_path, [lost(an_admission(number)) for number in range(20)])
    database = make()
    database.write(batch_of([a_record(number, cost_nano_usd=7) for number in range(12)]))
    database.write(batch_of([a_record(number, cost_nano_usd=9) for number in range(12)]))
    found = told(database)
    assert [(each.id, each.outcome) for each in reversed(found)] == [
        (an_id(number), "settled" if number < 12 else "unknown") for number in range(20)
    ]
    sums_told = asked(tmp_path, "SELECT sum(requests), sum(unknown), sum(cost_nano_usd) FROM usage")
    assert sums_told == [(20, 8, 84)]
    database.close()


def test_old_ones_go_wherever_they_are_and_kinds_after_them(make: Callable[[], SqliteDatabase], tmp_path: Path) -> None:
    def on(day: int, number: int) -> Record:
        return a_record(number, unix=UNIX + day * DAY_S, model=f"m{day}")

    written_before(tmp_path, [on(0, number) for number in range(5)])
    database = make()
    for day in (0, 1, 2):
        database.write(batch_of([on(day, number) for number in range(10, 15)]))
    cutoff = UNIX + DAY_S
    assert [database.delete_before("requests", cutoff, 4) for _ in range(4)] == [4, 4, 3, 0], "ten and a kind"
    assert len(told(database)) == 10
    assert asked(tmp_path, "SELECT model FROM kinds ORDER BY 1") == [("m1",), ("m2",)]
    database.close()


def test_a_kind_that_another_process_has_removed_is_kept_anew(
    make: Callable[[], SqliteDatabase], tmp_path: Path
) -> None:
    one, other = make(), make()
    one.write(batch_of([a_record(1)]))
    later = UNIX + 40 * DAY_S
    assert other.delete_before("requests", later, 10) == 2
    assert count(tmp_path, "kinds") == 0
    other.write(batch_of([a_record(2, unix=later, model="m")]))
    one.write(batch_of([a_record(3, unix=later)]))
    assert [each.model for each in told(one)] == ["gpt-4o", "m"]
    assert [row[0] for row in asked(tmp_path, "SELECT number FROM kinds ORDER BY 1")] == [2, 3], "none has it again"
    one.close()
    other.close()


def test_a_clock_that_was_ahead_takes_rows_and_no_kind_that_is_needed(make: Callable[[], SqliteDatabase]) -> None:
    one, other = make(), make()
    for database, start in ((one, 0), (other, 10)):
        database.write(batch_of([a_record(start + number) for number in range(3)]))
    one.delete_before("requests", UNIX + 400 * DAY_S, 100)
    assert told(one) == []
    for database, start in ((one, 20), (other, 30)):
        for _ in range(2):
            database.write(batch_of([a_record(start + number) for number in range(3)]))
    assert len(told(one)) == 6
    assert sum(row.requests for row in one.usage(UsageQuery())) == 12, "what came twice counted once"
    one.close()
    other.close()


@pytest.mark.parametrize("before_unix", [0.0, -3e10, -6.2e10, -1e11])
def test_nothing_is_older_than_all_time(make: Callable[[], SqliteDatabase], before_unix: float) -> None:
    database = make()
    database.write(batch_of([a_record(1)]))
    assert database.delete_before("requests", before_unix, 10) == 0
    assert len(told(database)) == 1
    database.close()


def test_many_kinds_go_in_batches_too(make: Callable[[], SqliteDatabase], tmp_path: Path) -> None:
    database = make()
    database.write(batch_of([a_record(number, asked=f"a{number}") for number in range(5)]))
    database.write(batch_of([a_record(9, unix=UNIX + DAY_S)]))
    assert [database.delete_before("requests", UNIX + DAY_S, 4) for _ in range(4)] == [4, 4, 2, 0]
    assert count(tmp_path, "kinds") == 1
    database.close()


def test_a_kind_is_kept_as_long_as_its_last_request(make: Callable[[], SqliteDatabase], tmp_path: Path) -> None:
    database = make()
    for day in (3, 0, 1):
        database.write(batch_of([a_record(day, unix=UNIX + day * DAY_S)]))
    assert asked(tmp_path, "SELECT last_day FROM kinds") == [(day_of(UNIX + 3 * DAY_S),)]
    assert database.delete_before("requests", UNIX + 2 * DAY_S, 10) == 2
    assert [each.id for each in told(database)] == [an_id(3, UNIX + 3 * DAY_S)]
    database.close()


def test_numbers_of_a_transaction_that_came_to_nothing_are_forgotten(make: Callable[[], SqliteDatabase]) -> None:
    database = make()
    with pytest.raises(RowsRefusedError):
        database.write(batch_of([a_record(1), a_record(2, cost_nano_usd=2**70)]))
    database.write(batch_of([a_record(3, model="m")]))
    database.write(batch_of([a_record(1)]))
    assert [(each.id, each.model) for each in told(database)] == [(an_id(3), "m"), (an_id(1), "gpt-4o")]
    database.close()


def test_more_kinds_than_are_known_by_heart(
    make: Callable[[], SqliteDatabase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_KINDS", 3)
    database = make()
    records = [a_record(number, asked=f"a{number % 7}") for number in range(50)]
    for start in range(0, 50, 10):
        database.write(batch_of(records[start : start + 10]))
    assert told(database, limit=100) == list(reversed(records))
    assert count(tmp_path, "kinds") == 7
    database.close()


@pytest.mark.parametrize("width", ["all of its columns", "the plain ones"])
def test_one_that_was_lost_and_is_known_now_is_replaced_in_all_its_columns(
    make: Callable[[], SqliteDatabase], width: str
) -> None:
    more: dict[str, Any] = {} if width == "the plain ones" else {"reasoning_tokens": 3, "meta": "{}"}
    records = [a_record(number, **more) for number in range(20)]
    database = make()
    database.write(batch_of([lost(an_admission(number)) for number in range(20)]))
    lines = [Common(1, common_of(records[0])), *(_short(record) for record in records)]
    database.write(batch_of(lines, {}))
    assert told(database) == list(reversed(records))
    database.close()


def test_a_page_is_found_without_looking_at_all_rows(make: Callable[[], SqliteDatabase], tmp_path: Path) -> None:
    make().close()
    for query in (PageQuery(), PageQuery(before=an_id(5)), PageQuery(key="k", since_unix=UNIX)):
        sql, values = requests_statement(query, calls.EVERY_REQUEST)
        steps = [row[3] for row in asked(tmp_path, f"EXPLAIN QUERY PLAN {sql}", *values)]
        assert not [step for step in steps if "TEMP B-TREE" in step or "MATERIALIZE" in step], steps
    steps = [row[3] for row in asked(tmp_path, f"EXPLAIN QUERY PLAN {calls._outcomes_of(4)}", *"abcd")]
    assert not [step for step in steps if step.startswith("SCAN")], steps


def _short(record: Record) -> Any:
    own = own_of(record)
    return (Plain if len(own) == PLAIN_WIDTH else Short)(1, own)
