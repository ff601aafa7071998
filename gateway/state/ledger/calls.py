"""How SQLite keeps requests: what many have in common stands in a table of its own, once, as their kind.

    kinds  -- key, endpoint, model, …: whatever is the same from one request to the next
    calls  -- id, moment, tokens, cost, and the number of the kind
    every_request -- a view that tells each of them whole, with those in `requests`, where a version before put them

A row is a third as long as it would be whole, so a third is written, and synced, and kept.
"""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import TypeVar

from gateway.state.ledger.query import first_id_at
from gateway.state.ledger.rows import Alike, Row, day_of, is_plain
from gateway.state.ledger.short import COMMON_COLUMNS, OWN_COLUMNS, PLAIN_COLUMNS, Values, full
from gateway.state.ledger.sql import DELETIONS, marks, of_many

T = TypeVar("T")

EVERY_REQUEST = "every_request"
MOST_AT_ONCE = 7
"""As a power of two: so many rows, or ids, a statement."""
MANY_ALIKE = 8
"""Fewer are sooner written together with others that are not like them."""
MOST_KINDS = 50_000
"""Of which it is known by heart which number they have."""

_WIDTH = len(COMMON_COLUMNS)
_KIND = ", ".join(COMMON_COLUMNS)

HIGHEST = "SELECT max(id) FROM calls UNION ALL SELECT max(id) FROM requests"
FIND_KIND = f"SELECT number FROM kinds WHERE ({_KIND}) = {marks(_WIDTH)}"
PUT_KIND = (
    f"INSERT INTO kinds ({_KIND}, last_day) VALUES {marks(_WIDTH + 1)} "
    f"ON CONFLICT ({_KIND}) DO UPDATE SET last_day = max(last_day, excluded.last_day)"
)
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in (*OWN_COLUMNS, "kind") if name != "id")
_OR_REPLACED = f"ON CONFLICT (id) DO UPDATE SET {_REPLACED}"
PUT_CALL = f"INSERT INTO calls ({', '.join(OWN_COLUMNS)}, kind) VALUES {marks(len(OWN_COLUMNS) + 1)} {_OR_REPLACED}"
DELETE_CALLS = "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE id < ? LIMIT ?)"
DELETE_KINDS = "DELETE FROM kinds WHERE number IN (SELECT number FROM kinds WHERE last_day < ? LIMIT ?)"
REMOVALS = "SELECT times FROM kinds_removed"
ONE_MORE_REMOVAL = "UPDATE kinds_removed SET times = times + 1"
FORGET_OLDER = "DELETE FROM requests WHERE id = ?"


class Calls:
    """Within transactions of others; `forget` when one of them came to nothing."""

    def __init__(self) -> None:
        self._numbers: dict[Values, tuple[int, str]] = {}
        """Each with the last day for which its kind is known to be kept."""
        self._removals = 0
        """How often kinds had been removed, by any process, when these numbers were looked up."""

    def forget(self) -> None:
        self._numbers.clear()

    def outcomes(self, connection: sqlite3.Connection, ids: list[str]) -> dict[str, str]:
        """Of those that are there: most ids are younger than all of them."""
        highest = max(row[0] or "" for row in connection.execute(HIGHEST))
        known: dict[str, str] = {}
        if ids and min(ids) <= highest:
            for some in evened([each for each in ids if each <= highest]):
                known |= dict(connection.execute(_outcomes_of(len(some)), some))
        return known

    def put(self, connection: sqlite3.Connection, groups: Alike, day: str, again: Iterable[str]) -> None:
        """None is of a later `day`; of those told `again` more is known than before."""
        (removals,) = connection.execute(REMOVALS).fetchone()
        if removals != self._removals:
            self._numbers.clear()
            self._removals = removals
        few: list[Row] = []
        for common, rows in groups.items():
            number = self._number(connection, common[:_WIDTH], day)
            if len(rows) < MANY_ALIKE:
                few += [(*full(own), number) for own in rows]
                continue
            columns = PLAIN_COLUMNS if is_plain(common) else OWN_COLUMNS
            for some in slices(rows):
                connection.execute(_alike_of(len(some), columns), [number, *chain.from_iterable(some)])
        put(connection, PUT_CALL, few)
        connection.executemany(FORGET_OLDER, [(each,) for each in again])

    def delete_before(self, connection: sqlite3.Connection, unix: float, most: int) -> int:
        """Kinds go once all that could be of theirs is gone."""
        first, gone = first_id_at(unix), 0
        for statement in (DELETE_CALLS, DELETIONS["requests"]):
            gone += connection.execute(statement, (first, most - gone)).rowcount
        if gone < most:
            kinds = connection.execute(DELETE_KINDS, (day_of(max(0.0, unix)), most - gone)).rowcount
            if kinds:
                connection.execute(ONE_MORE_REMOVAL)
            gone += kinds
        return gone

    def _number(self, connection: sqlite3.Connection, common: Values, day: str) -> int:
        number, last_day = self._numbers.get(common, (0, ""))
        if last_day < day:
            connection.execute(PUT_KIND, (*common, day))
            (number,) = connection.execute(FIND_KIND, common).fetchone()
            if len(self._numbers) >= MOST_KINDS:
                self._numbers.clear()
            self._numbers[common] = number, day
        return number


def put(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    """Many rows a statement: every step of SQLite lets go of the interpreter, and the requests make us wait for it."""
    for some in slices(rows):
        connection.execute(of_many(statement, len(some)), list(chain.from_iterable(some)))


def slices(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """In lengths that are powers of two: statements of so few kinds are understood once, and found again."""
    start, count = 0, len(things)
    for power in range(MOST_AT_ONCE, -1, -1):
        while count - start >= 1 << power:
            yield things[start : start + (1 << power)]
            start += 1 << power


def evened(ids: list[str]) -> Iterator[list[str]]:
    """In such lengths too: an id that is asked for twice changes nothing."""
    for start in range(0, len(ids), 1 << MOST_AT_ONCE):
        some = ids[start : start + (1 << MOST_AT_ONCE)]
        yield some + some[-1:] * ((1 << (len(some) - 1).bit_length()) - len(some))


@lru_cache
def _outcomes_of(count: int) -> str:
    return f"SELECT id, outcome FROM {EVERY_REQUEST} WHERE id IN {marks(count)}"


@lru_cache
def _alike_of(count: int, columns: tuple[str, ...]) -> str:
    """An insertion of so many requests of one kind: its number is bound once for all of them."""
    rows = ", ".join([marks(len(columns))] * count)
    chosen = f"SELECT ?, own.* FROM (VALUES {rows}) AS own WHERE true"
    return f"INSERT INTO calls (kind, {', '.join(columns)}) {chosen} {_OR_REPLACED}"
