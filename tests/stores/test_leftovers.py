"""Journals of workers that are no more: what is in them reaches the ledger, then they go."""

import asyncio
import shutil
from pathlib import Path

from gateway.clock import SystemClock
from gateway.state.ledger.ledger import journals, open_ledger, ship_leftovers
from gateway.state.ledger.query import PageQuery, UsageQuery
from tests.stores.rows import a_record, an_admission

URL = "sqlite://ledger.db"


def left_behind(folder: Path, worker: int, *numbers: int) -> None:
    """A worker that was killed before anything of it was shipped, with one request under way."""
    ledger = open_ledger(URL, folder, 0.0, SystemClock(), worker=worker)
    for number in numbers:
        ledger.note(a_record(number))
    ledger.note(an_admission(100 + worker, origin=ledger.origin, expires_unix=2e9))
    ledger.journal.close()


def test_what_fewer_workers_find_is_brought_in_and_lost_requests_are_unknown(tmp_path: Path) -> None:
    for worker in range(4):
        left_behind(tmp_path, worker, 10 * worker, 10 * worker + 1)
    ship_leftovers(URL, tmp_path, 2, SystemClock())
    assert sorted(path.name for path in journals(tmp_path).iterdir()) == ["0", "1"]
    ledger = open_ledger(URL, tmp_path, 0.0, SystemClock())
    ledger.start()
    assert asyncio.run(ledger.recovered(20.0))
    rows = asyncio.run(ledger.requests(PageQuery()))
    outcomes = [row.outcome for row in rows]
    assert (outcomes.count("settled"), outcomes.count("unknown")) == (6, 3), "that of seat 1 waits for its worker"
    (total,) = asyncio.run(ledger.usage(UsageQuery()))
    assert (total.requests, total.unknown) == (9, 3)
    ledger.stop()


def test_workers_write_one_file_in_turn_and_no_row_is_lost(tmp_path: Path) -> None:
    ledgers = [open_ledger(URL, tmp_path, 0.01, SystemClock(), worker=number, held=True) for number in range(4)]
    for ledger in ledgers:
        ledger.start()
    for number in range(400):
        assert ledgers[number % 4].note(a_record(number))
    for ledger in ledgers:
        ledger.stop()
    shutil.rmtree(journals(tmp_path))
    again = open_ledger(URL, tmp_path, 0.01, SystemClock())
    again.start()
    (total,) = asyncio.run(again.usage(UsageQuery()))
    assert (total.requests, total.cost_nano_usd) == (400, 400_000)
    again.stop()
