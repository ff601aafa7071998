"""The ledger as a whole: from a row noted to a row found, with the database away, back, restarted and killed."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.state.ledger.journal import Journal
from gateway.state.ledger.ledger import Ledger, open_ledger
from gateway.state.ledger.query import PageQuery, UsageQuery, UsageRow
from gateway.state.ledger.record import Record
from gateway.state.ledger.rows import Batch
from gateway.state.ledger.sqlite import SqliteDatabase
from gateway.state.limits import Spent
from gateway.state.store_error import RowsRefusedError, StoreError, StoreRefusedError
from tests.nightly import often
from tests.stores.rows import UNIX, a_record, an_admission, an_audit_row, an_id, common_of, own_of

LOOPS = {"sqlite": often(day=6, night=200), "postgres": often(day=2, night=200)}


def a_ledger(folder: Path, url: str = "sqlite://ledger.db") -> Ledger:
    ledger = open_ledger(url, folder, 0.01, SystemClock())
    ledger.start()
    return ledger


def until(condition: object, seconds: float = 20.0) -> None:
    """Waits for something that another thread will do."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def total(ledger: Ledger) -> UsageRow:
    (row,) = asyncio.run(ledger.usage(UsageQuery()))
    return row


def test_what_is_noted_is_found(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    for entry in (an_admission(1), a_record(1), an_audit_row(2)):
        assert ledger.note(entry)
    until(lambda: ledger.lag == 0)
    assert asyncio.run(ledger.requests(PageQuery())) == [a_record(1)]
    assert asyncio.run(ledger.audit(PageQuery())) == [an_audit_row(2)]
    assert asyncio.run(ledger.spent(UNIX)) == [("web-app", "2026-12", Spent(15, 1_000))]
    assert ledger.degraded() == ()
    ledger.stop()


def test_n42_requests_that_were_running_when_the_process_died_are_unknown_after_the_next_start(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal" / "0")
    ledger = a_ledger(tmp_path)
    origin = ledger.origin
    common = (origin, "web-app", "chat", "smart", "abcdef012345")
    places = [ledger.begin(an_id(number), UNIX, 2e9, 2_000, common) for number in range(5)]
    for number in range(5, 10):
        ledger.note(an_admission(number, origin=origin, expires_unix=2e9))
    for number in (0, 1, 2, 5, 6, 7):
        record = a_record(number, outcome="settled" if number % 5 < 2 else "released")
        ledger.end(places[number] if number < 5 else 0, own_of(record), common_of(record))
    ledger.stop()
    again = a_ledger(tmp_path)
    assert asyncio.run(again.recovered(20.0))
    outcomes = [row.outcome for row in asyncio.run(again.requests(PageQuery()))]
    assert {each: outcomes.count(each) for each in outcomes} == {"settled": 4, "released": 2, "unknown": 4}
    again.stop()
    assert journal.folder.exists()


def test_a_bookmark_in_a_journal_that_somebody_removed_hides_no_row(tmp_path: Path) -> None:
    folder = tmp_path / "journal" / "0"
    for _ in range(3):
        a_ledger(tmp_path).stop()
    for segment in folder.glob("*.journal"):
        segment.unlink()
    ledger = a_ledger(tmp_path)
    ledger.note(a_record(1))
    until(lambda: ledger.lag == 0)
    ledger.stop()
    assert total(ledger).requests == 1


class Moody(SqliteDatabase):
    """A database that is away, or does not like a row, when told so."""

    away = False

    def write(self, batch: Batch) -> None:
        if self.away:
            raise StoreError("it is away")
        if any("poison" in common for common in batch.requests):
            raise RowsRefusedError("it does not like this row")
        super().write(batch)


@pytest.fixture
def moody(tmp_path: Path) -> Iterator[tuple[Ledger, Moody]]:
    journal = Journal(tmp_path / "journal", 0.01)
    journal.open()
    database = Moody(tmp_path / "ledger.db", time.monotonic)
    ledger = Ledger(journal, database, "origin", lambda: UNIX)
    ledger.start()
    yield ledger, database
    ledger.stop()


def test_d15_a_database_that_is_away_loses_nothing_and_is_told_once(
    moody: tuple[Ledger, Moody], caplog: pytest.LogCaptureFixture
) -> None:
    ledger, database = moody
    database.away = True
    for number in range(50):
        assert ledger.note(a_record(number))
    until(lambda: "ledger" in ledger.degraded())
    assert ledger.accepting
    database.away = False
    until(lambda: ledger.lag == 0)
    until(lambda: ledger.degraded() == ())
    assert total(ledger).requests == 50
    assert caplog.text.count("does not take rows") == 1
    assert caplog.text.count("takes rows again") == 1


def test_a_row_that_is_never_taken_holds_up_no_other(moody: tuple[Ledger, Moody], tmp_path: Path) -> None:
    ledger, _ = moody
    for number in range(20):
        ledger.note(a_record(number, asked="poison" if number == 7 else "smart"))
    until(lambda: ledger.lag == 0)
    assert total(ledger).requests == 19
    assert ledger.degraded() == ("ledger_rows_refused",)
    assert an_id(7) in (tmp_path / "journal" / "refused.rows").read_text()


def test_old_rows_are_forgotten(moody: tuple[Ledger, Moody]) -> None:
    ledger, _ = moody
    for number in range(5):
        ledger.note(a_record(number, unix=UNIX - 1000))
    ledger.note(a_record(9))
    until(lambda: ledger.lag == 0)
    assert asyncio.run(ledger.forget("requests", 500.0)) == 5
    assert len(asyncio.run(ledger.requests(PageQuery()))) == 1


def test_a_ledger_that_is_refused_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"this is no database" * 100)
    ledger = open_ledger("sqlite://ledger.db", tmp_path, 0.01, SystemClock())
    with pytest.raises(StoreRefusedError, match="damaged"):
        ledger.start()
    ledger.stop()
    with pytest.raises(StoreRefusedError, match="mysql"):
        open_ledger("mysql://x", tmp_path / "other", 0.01, SystemClock())


def test_d15_connections_that_postgres_cuts_are_made_again(tmp_path: Path, postgres_url: str) -> None:
    import asyncpg

    async def cut() -> None:
        connection = await asyncpg.connect(postgres_url)
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        sql = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
        await connection.execute(sql)
        await connection.close()

    ledger = a_ledger(tmp_path, postgres_url)
    for number in range(300):
        assert ledger.note(a_record(number, cost_nano_usd=number))
        if number % 100 == 50:
            until(lambda: ledger.lag == 0)
            asyncio.run(ledger.usage(UsageQuery()))
            asyncio.run(cut())
    until(lambda: ledger.lag == 0, 30.0)
    assert total(ledger).cost_nano_usd == sum(range(300))
    ledger.stop()


WRITER = """
import sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.state.ledger.ledger import open_ledger
from tests.stores.rows import UNIX, a_record, an_id, common_of, own_of

folder, url, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ledger = open_ledger(url, folder, 0.01, SystemClock())
ledger.start()
number = first
while True:
    place = ledger.begin(an_id(number), UNIX, 2e9, 2_000, (ledger.origin, "web-app", "chat", "smart", "abcdef012345"))
    print("a", number, flush=True)
    if number % 7:
        record = a_record(number, cost_nano_usd=number, asked=f"name-{number % 3}")
        ledger.end(place, own_of(record), common_of(record))
        print("r", number, flush=True)
    number += 1
"""


def killed_after(folder: Path, url: str, first: int, lines: int) -> list[list[str]]:
    """What a process acknowledged before it was killed."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), url, str(first)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer:
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    return [line.split() for line in said if line.endswith("\n")]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_n10_no_acknowledged_row_is_lost_to_kill_and_the_sums_are_exact(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = "sqlite://ledger.db" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    before = set(threading.enumerate())
    admitted: set[int] = set()
    settled: set[int] = set()
    for loop in range(LOOPS[kind]):
        for what, number in killed_after(tmp_path, url, loop * 1_000_000, 40 + 397 * loop % 700):
            (admitted if what == "a" else settled).add(int(number))
    ledger = a_ledger(tmp_path, url)
    assert asyncio.run(ledger.recovered(30.0))
    rows: list[Record] = []
    while page := asyncio.run(ledger.requests(PageQuery(limit=1000, before=rows[-1].id if rows else None))):
        rows += page
    by_outcome = {outcome: {row.id for row in rows if row.outcome == outcome} for outcome in ("settled", "unknown")}
    assert {an_id(number) for number in settled} <= by_outcome["settled"]
    assert {an_id(number) for number in admitted} <= by_outcome["settled"] | by_outcome["unknown"]
    sums = total(ledger)
    assert sums.requests == len(rows) == len(by_outcome["settled"]) + len(by_outcome["unknown"])
    assert sums.unknown == len(by_outcome["unknown"])
    assert sums.cost_nano_usd == sum(row.cost_nano_usd for row in rows)
    ledger.stop()
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name.startswith(("ledger", "journal"))]
