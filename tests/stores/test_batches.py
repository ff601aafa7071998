"""Batches: however rows are cut into transactions, and in whatever order they come, the tables say the same."""

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.state.ledger.record import Entry, Record, lost
from gateway.state.ledger.rows import SUMMED, batch_of
from gateway.state.ledger.short import PLAIN_WIDTH, Common, Commons, Line, Plain, Short
from gateway.state.ledger.sqlite import SqliteDatabase
from tests.stores.rows import UNIX, a_record, an_admission, an_id, common_of, own_of

KINDS = ("admitted", "settled", "failed", "unknown")
NOTES = st.lists(st.tuples(st.integers(0, 6) | st.integers(0, 300), st.sampled_from(KINDS)), min_size=1, max_size=400)


def entry(number: int, kind: str) -> Entry:
    if kind == "admitted":
        return an_admission(number)
    if kind == "unknown":
        return lost(an_admission(number))
    status = 502 if kind == "failed" else 200
    return a_record(number, status=status, cost_nano_usd=number, reasoning_tokens=number % 3, model=f"m{number % 2}")


def shortened(entries: list[Entry], numbers: dict[Any, int]) -> list[Line]:
    """As a journal says it."""
    lines: list[Line] = []
    for each in entries:
        if not isinstance(each, Record):
            lines.append(each)
            continue
        common = common_of(each)
        if common not in numbers:
            numbers[common] = len(numbers) + 1
            lines.append(Common(numbers[common], common))
        own = own_of(each)
        lines.append((Plain if len(own) == PLAIN_WIDTH else Short)(numbers[common], own))
    return lines


def tables(batches: list[list[Entry]], *, short: bool = False) -> dict[str, list[Any]]:
    numbers: dict[Any, int] = {}
    commons: Commons = {}
    with tempfile.TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "ledger.db", time.monotonic)
        database.open()
        for batch in batches:
            database.write(batch_of(shortened(batch, numbers), commons) if short else batch_of(batch))
        database.close()
        with sqlite3.connect(Path(folder) / "ledger.db") as connection:
            names = ("every_request", "usage", "admissions")
            found = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3, 4").fetchall() for name in names}
        connection.close()
        found["usage"] = [row for row in found["usage"] if any(row[4:])]
        return found


def test_many_that_are_alike_and_few_that_are_not_are_written_as_each_would_be_alone() -> None:
    alike = [a_record(number, unix=UNIX + 40_000 * (number % 4), cost_nano_usd=number) for number in range(300)]
    others = [
        a_record(1000 + number, asked=f"asked-{number}", meta="{}" if number % 2 else None) for number in range(9)
    ]
    others += [a_record(3000 + number, image_tokens=number % 3) for number in range(60)]
    lost_ones = [lost(an_admission(2000 + number)) for number in range(40)]
    late = [a_record(2000 + number, cost_nano_usd=7, status=500) for number in range(20)]
    entries: list[Entry] = [*alike, *others, *lost_ones]
    found = tables([entries, [*late]])
    assert found == tables([[each] for each in [*entries, *late]])
    assert found == tables([entries, [*late]], short=True)
    assert len(found["every_request"]) == 409
    days = {day: sum(row[4] for row in found["usage"] if row[0] == day) for day in {row[0] for row in found["usage"]}}
    assert days == {"2026-12-31": 259, "2027-01-01": 150}


@given(NOTES, st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_however_rows_are_cut_into_batches_the_tables_say_the_same(notes: list[tuple[int, str]], size: int) -> None:
    entries = [entry(*note) for note in notes]
    found = tables([entries])
    cut = [entries[start : start + size] for start in range(0, len(entries), size)]
    assert found == tables(cut) == tables(cut, short=True)
    ended = {number for number, kind in notes if kind != "admitted"}
    admitted = {number for number, kind in notes if kind == "admitted"}
    assert [row[0] for row in found["every_request"]] == [an_id(number) for number in sorted(ended)]
    assert [row[0] for row in found["admissions"]] == [an_id(number) for number in sorted(admitted - ended)]
    sums = (
        dict(zip(SUMMED, map(sum, zip(*(row[4:] for row in found["usage"]), strict=True)), strict=True))
        if ended
        else {}
    )
    known = {number for number, kind in notes if kind in ("settled", "failed")}
    assert sums.get("requests", 0) == len(ended)
    assert sums.get("unknown", 0) == len(ended - known)
    assert sums.get("cost_nano_usd", 0) == sum(known)
