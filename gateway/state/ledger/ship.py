"""From the journal into the database, in batches, until it took them; nothing waits for this.

A thread reads on from the bookmark. First what processes before this one left; then their admissions without an end
become `unknown`; then what is written now. A batch that was sent twice counts once.
"""

import contextlib
import logging
import threading
from collections.abc import Callable

from gateway.state.ledger.cursor import PIECE_BYTES, Bookmark, Memory, Piece, read_piece
from gateway.state.ledger.database import Database
from gateway.state.ledger.journal import Journal
from gateway.state.ledger.lines import line_of
from gateway.state.ledger.record import Entry
from gateway.state.ledger.rows import batch_of
from gateway.state.ledger.segment import Position
from gateway.state.ledger.short import entries_of
from gateway.state.store_error import RowsRefusedError, StoreError

log = logging.getLogger("tokenhub.ledger")

PAUSE_S = 0.1
BUSY_PAUSE_S = 0.5
BUSY_ROWS = 200
"""From so many in one go on there are as many soon again: a commit for more of them costs hardly more."""
LONGEST_PAUSE_S = 5.0
RUNNING_S = 1.0
"""Requests that take longer are told to the database: should all of this machine be lost, others know of them."""
SWEEP_S = 60.0
SAVE_S = 1.0


class Shipper:
    """Owns the writing side of the database once it is started."""

    def __init__(self, journal: Journal, database: Database, origin: str, unix: Callable[[], float]) -> None:
        self.shipped = 0
        """Rows of this process that are in the database."""
        self.spoilt = 0
        self.refused = 0
        self.problem: str | None = None
        self.recovered = threading.Event()
        """What earlier processes left is in the database."""
        self._journal = journal
        self._database = database
        self._origin = origin
        self._unix = unix
        self._bookmark = Bookmark(journal.folder)
        self._memory = Memory(journal.folder)
        self._position = Position(0, 0)
        self._told: set[str] = set()
        """Of the requests that are running."""
        self._told_unix = 0.0
        self._swept_unix = 0.0
        self._saved_unix = 0.0
        self._opened = False
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ledger-ship", daemon=True)

    def start(self) -> None:
        """Opens the database at once; one that refuses for good stops the start, one that is away does not."""
        known = self._bookmark.load(self._unix())
        if known < self._journal.end:  # else it belongs to a journal that somebody has removed
            self._position = known
        try:
            self._database.open()
            self._opened = True
        except StoreError as error:
            if not self._may_come_back(error):
                raise
            self._note(error)
        self._thread.start()

    def stop(self, patience_s: float = 10.0) -> None:
        """Ships what is there, if the database takes it in time; what is left stays in the journal."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)
        self._database.close()

    def _run(self) -> None:
        pause_s = PAUSE_S
        while True:
            stopping, before = self._stopping, self.shipped
            try:
                while self._step():
                    pass
                pause_s = PAUSE_S if self.shipped - before < BUSY_ROWS else BUSY_PAUSE_S
            except (StoreError, OSError) as error:
                self._note(error)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            if stopping:
                with contextlib.suppress(StoreError):
                    self._save_bookmark()
                return
            self._wake.wait(pause_s)
            self._wake.clear()

    def _step(self) -> bool:
        """One piece; False when what is left may wait until more has come: small batches cost as much as large ones."""
        if not self._opened:
            self._database.open()
            self._opened = True
        end = self._journal.end
        piece = self._next_piece(end)
        if not self.recovered.is_set() and piece.position.segment >= self._journal.first_new:
            self._recover()
        if piece.lines:
            self._put(piece)
        moved = piece.position != self._position
        if moved:
            self._remember(piece)
        if self.recovered.is_set():
            self._tell_running()
        self._sweep()
        if self.problem is not None:
            self.problem = None
            log.warning("the ledger takes rows again")
        return moved and self._position < end

    def _next_piece(self, end: Position) -> Piece:
        """Of the segment that is written now only what is there: behind it are zeros."""
        position = self._position
        if position == end:
            return Piece([], 0, position)
        there = end.offset - position.offset if position.segment == end.segment else PIECE_BYTES
        return read_piece(self._journal.folder, position, min(there, PIECE_BYTES))

    def _put(self, piece: Piece) -> None:
        here = piece.position.segment
        commons = self._memory.before(self._position if here == self._position.segment else Position(here, 0))
        batch = batch_of(piece.lines, commons)
        try:
            self._database.write(batch)
        except RowsRefusedError:
            self._put_apart(list(entries_of(piece.lines, commons)))
        self._count(batch.spoilt)
        if here >= self._journal.first_new:
            self.shipped += batch.count

    def _put_apart(self, entries: list[Entry]) -> None:
        """In halves, and halves of these, until those that are refused are alone."""
        if len(entries) == 1:
            self._set_aside(entries[0])
            return
        middle = len(entries) // 2
        for some in (entries[:middle], entries[middle:]):
            try:
                self._database.write(batch_of(some))
            except RowsRefusedError:
                self._put_apart(some)

    def _set_aside(self, entry: Entry) -> None:
        """A row that no database will ever take must not hold up the others; it is kept, and somebody is told."""
        self.refused += 1
        path = self._journal.folder / "refused.rows"
        with path.open("ab") as file:
            file.write(line_of(entry))
        log.error("the ledger does not take the row `%s`; it is kept in `%s`", entry.id, path)

    def _remember(self, piece: Piece) -> None:
        self._count(piece.spoilt)
        old, self._position = self._position, piece.position
        if old.segment != self._position.segment:
            self._save_bookmark()
            self._journal.remove_before(self._position)
        elif abs(self._unix() - self._saved_unix) >= SAVE_S:
            self._save_bookmark()

    def _count(self, spoilt: int) -> None:
        if spoilt:
            self.spoilt += spoilt
            log.error("%d lines of the journal in `%s` are torn", spoilt, self._journal.folder)

    def _save_bookmark(self) -> None:
        """Now and then: what is shipped a second time counts once."""
        self._bookmark.save(self._position)
        self._saved_unix = self._unix()

    def _recover(self) -> None:
        """Once all that was left is in the database, and nothing yet of this process, which has the same name."""
        count = self._database.close_lost(self._origin, self._unix())
        if count:
            log.warning("%d requests were lost with the process before this one; they are recorded as unknown", count)
        self.recovered.set()

    def _tell_running(self) -> None:
        unix = self._unix()
        if abs(unix - self._told_unix) >= RUNNING_S:
            running = self._journal.board.running(unix - RUNNING_S)
            news = [each for each in running if each.id not in self._told]
            if news:
                with contextlib.suppress(RowsRefusedError):  # their records will be told apart
                    self._database.write(batch_of(news))
            self._told = {each.id for each in running}
            self._told_unix = unix

    def _sweep(self) -> None:
        """Admissions of processes that never came back."""
        unix = self._unix()
        if abs(unix - self._swept_unix) >= SWEEP_S:
            self._swept_unix = unix
            self._database.close_lost(None, unix)

    def _may_come_back(self, error: StoreError) -> bool:
        return type(error) is StoreError

    def _note(self, error: Exception) -> None:
        if self.problem is None:
            log.error("the ledger does not take rows: %s. They stay in the journal until it does", error)
        self.problem = str(error)
