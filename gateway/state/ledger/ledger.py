"""The ledger as everybody else sees it: entries go in at once and are safe, questions are answered off the loop."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from gateway.clock import Clock
from gateway.state.calendar import month_of, month_start, next_month
from gateway.state.kept_file import read_or_set_aside, write_whole
from gateway.state.ledger.database import Database
from gateway.state.ledger.journal import Journal
from gateway.state.ledger.postgres import PostgresDatabase
from gateway.state.ledger.query import PageQuery, UsageQuery, UsageRow
from gateway.state.ledger.record import AuditRow, Entry, Record
from gateway.state.ledger.retention import delete_old
from gateway.state.ledger.ship import Shipper
from gateway.state.ledger.sqlite import SqliteDatabase
from gateway.state.limits import Spent
from gateway.state.store_error import StoreRefusedError
from gateway.ulid import new_ulid

LEFTOVERS_S = 10.0


class Ledger:
    """One per process."""

    def __init__(self, journal: Journal, database: Database, origin: str, unix: Callable[[], float]) -> None:
        self.journal = journal
        self.note: Callable[[Entry], bool] = journal.append
        """Admitted, Record, AuditRow or Bodies. True once it is in the journal, where a kill cannot reach it."""
        self.begin = journal.board.enter
        """A request is admitted: should the process die now, that is known. What it returns is told at the end."""
        self.end = journal.conclude
        """It is over: its record is in the journal, in two parts, and it runs no more."""
        self._database = database
        self._unix = unix
        self._shipper = Shipper(journal, database, origin, unix)
        self.origin = origin

    def start(self) -> None:
        """Blocks while files are opened; StoreRefusedError says what an operator has to do first."""
        self._shipper.start()

    @property
    def accepting(self) -> bool:
        """False while nobody would find out what was spent: keys with a cap must wait, others may go on."""
        return self.journal.accepting

    @property
    def lag(self) -> int:
        """Entries of this process that the database does not have yet."""
        return max(0, self.journal.rows - self._shipper.shipped)

    @property
    def lost(self) -> int:
        """Entries that no disk took and for which there was no room to wait."""
        return self.journal.dropped

    def tick(self) -> None:
        """About once a second: a disk that refused rows is asked again."""
        if self.journal.waiting:
            self.journal.flush_waiting()

    @property
    def size_bytes(self) -> int:
        return self.journal.size_bytes

    def degraded(self) -> tuple[str, ...]:
        journal, shipper = self.journal, self._shipper
        states = {
            "journal": journal.failing,
            "journal_full": journal.full,
            "ledger": shipper.problem is not None,
            "ledger_rows_refused": shipper.refused > 0,
        }
        return tuple(name for name, wrong in states.items() if wrong)

    async def recovered(self, patience_s: float) -> bool:
        """True once everything that earlier processes wrote is in the database."""
        return await asyncio.to_thread(self.wait_recovered, patience_s)

    def wait_recovered(self, patience_s: float) -> bool:
        return self._shipper.recovered.wait(patience_s)

    async def spent(self, unix: float) -> list[tuple[str, str, Spent]]:
        """What each key spent in the month of `unix`: a store of limits starts from this."""
        month = month_of(unix)
        query = UsageQuery(group_by=("key",), since_unix=month_start(month), until_unix=unix + 86400.0)
        rows = await self.usage(query)
        return [(row.key or "", month, Spent(row.tokens, row.cost_nano_usd)) for row in rows]

    async def spent_by(self, key: str, month: str) -> Spent:
        """What one key spent in `2027-01`, as far as the database knows."""
        start = month_start(month)
        rows = await self.usage(UsageQuery(since_unix=start, until_unix=next_month(start), key=key))
        return Spent(rows[0].tokens, rows[0].cost_nano_usd)

    async def usage(self, query: UsageQuery) -> list[UsageRow]:
        return await asyncio.to_thread(self._database.usage, query)

    async def requests(self, query: PageQuery) -> list[Record]:
        return await asyncio.to_thread(self._database.requests, query)

    async def audit(self, query: PageQuery) -> list[AuditRow]:
        return await asyncio.to_thread(self._database.audit, query)

    async def forget(self, table: str, older_than_s: float) -> int:
        """Deletes rows of `requests`, `bodies` or `audit` in small batches; daily sums stay."""
        return await delete_old(self._database, table, self._unix() - older_than_s)

    def stop(self, patience_s: float = 10.0) -> None:
        self._shipper.stop(patience_s)
        self.journal.close()


def open_ledger(
    url: str, data_dir: Path, sync_s: float, clock: Clock, *, worker: int = 0, held: bool = False
) -> Ledger:
    """`sqlite://file` (relative to `data_dir`), `sqlite:///absolute` or `postgresql://…`; each worker has a journal.

    Each worker also writes what is in its journal: SQLite lets one in after the other, and takes every row once.
    """
    database = database_at(url, data_dir, clock, held=held)
    folder = journals(data_dir) / str(worker)
    journal = Journal(folder, sync_s)
    journal.open()
    origin = _origin(folder, clock.unix())
    return Ledger(journal, database, origin, clock.unix)


def ship_leftovers(url: str, data_dir: Path, workers: int, clock: Clock, *, held: bool = False) -> None:
    """Journals of seats that nobody takes any more: what is in them is brought in, then they go. Blocks."""
    for folder in sorted(journals(data_dir).glob("[0-9]*")):
        if folder.name.isdigit() and int(folder.name) >= workers:
            ledger = open_ledger(url, data_dir, 0.0, clock, worker=int(folder.name), held=held)
            ledger.start()
            done = ledger.wait_recovered(LEFTOVERS_S)
            ledger.stop()
            if done:
                shutil.rmtree(folder)


def journals(data_dir: Path) -> Path:
    return data_dir / "journal"


def database_at(url: str, data_dir: Path, clock: Clock, *, held: bool = False) -> Database:
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return SqliteDatabase(data_dir / rest, clock.monotonic, held=held)
    if scheme in ("postgresql", "postgres"):
        return PostgresDatabase(url)
    raise StoreRefusedError(f"`ledger: {scheme}://…` is not known. Use `sqlite://file.db` or `postgresql://…`.")


def _origin(folder: Path, unix: float) -> str:
    """The name of this journal for life, so that its lost requests are found again after a restart."""
    path = folder / "origin"
    known = read_or_set_aside(path, _origin_text, unix)
    if known is None:
        known = new_ulid(unix)
        write_whole(path, known.encode())
    return known


def _origin_text(data: bytes) -> str:
    text = data.decode("ascii").strip()
    if len(text) != 26 or not text.isalnum():
        raise ValueError("not the name of a journal")
    return text
