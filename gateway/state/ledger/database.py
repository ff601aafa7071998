"""The seam to a database: what SQLite and PostgreSQL both do for the ledger. All calls block; none runs on the loop."""

from typing import Protocol

from gateway.state.ledger.query import PageQuery, UsageQuery, UsageRow
from gateway.state.ledger.record import AuditRow, Record
from gateway.state.ledger.rows import Batch


class Database(Protocol):
    """Writers call from one thread; readers may call from others. Every failure is a StoreError."""

    def open(self) -> None:
        """Connects, and migrates the tables; refuses those of a newer version."""
        ...

    def write(self, batch: Batch) -> None:
        """One transaction; what is there already is not counted twice."""
        ...

    def close_lost(self, origin: str | None, unix: float) -> int:
        """Admissions nobody will settle become `unknown`: all of this origin, or all that have expired by `unix`."""
        ...

    def usage(self, query: UsageQuery) -> list[UsageRow]: ...

    def requests(self, query: PageQuery) -> list[Record]: ...

    def audit(self, query: PageQuery) -> list[AuditRow]: ...

    def delete_before(self, table: str, unix: float, most: int) -> int:
        """At most so many rows of `requests`, `bodies` or `audit`; how many went."""
        ...

    def close(self) -> None: ...
