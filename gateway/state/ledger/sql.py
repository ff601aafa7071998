"""The statements of the ledger, in words that SQLite and PostgreSQL share, with `?` for every value."""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

from functools import lru_cache

from gateway.state.ledger.record import Bodies
from gateway.state.ledger.rows import ADMISSION_COLUMNS, AUDIT_COLUMNS, SUMMED, USAGE_KEY
from gateway.state.ledger.short import COMMON_COLUMNS, OWN_COLUMNS, REQUEST_COLUMNS


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {marks(len(columns))}"


def marks(count: int) -> str:
    return f"({', '.join('?' * count)})"


_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in REQUEST_COLUMNS if name != "id")
_ADDED = ", ".join(f"{name} = usage.{name} + excluded.{name}" for name in SUMMED)

PUT_REQUEST = (
    f"{_insert('requests', (*OWN_COLUMNS, *COMMON_COLUMNS))} "
    f"ON CONFLICT (id) DO UPDATE SET {_REPLACED} WHERE requests.outcome = 'unknown'"
)
ADD_USAGE = f"{_insert('usage', (*USAGE_KEY, *SUMMED))} ON CONFLICT ({', '.join(USAGE_KEY)}) DO UPDATE SET {_ADDED}"
PUT_ADMISSION = f"{_insert('admissions', ADMISSION_COLUMNS)} ON CONFLICT (id) DO NOTHING"
PUT_AUDIT = f"{_insert('audit', AUDIT_COLUMNS)} ON CONFLICT (id) DO NOTHING"
PUT_BODIES = f"{_insert('bodies', Bodies.__struct_fields__)} ON CONFLICT (id) DO NOTHING"
END_ADMISSION = "DELETE FROM admissions WHERE id = ?"

RUNNING = "SELECT id FROM admissions"

_ADMISSIONS = f"SELECT {', '.join(ADMISSION_COLUMNS)} FROM admissions"
LOST_OF_ORIGIN = f"{_ADMISSIONS} WHERE origin = ?"
LOST_BY_TIME = f"{_ADMISSIONS} WHERE expires_unix <= ?"

DELETIONS = {
    table: f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id < ? LIMIT ?)"
    for table in ("requests", "bodies", "audit")
}


@lru_cache
def of_many(statement: str, count: int) -> str:
    """An insertion of so many rows in place of one."""
    before, word, after = statement.partition(" VALUES ")
    row = after[: after.index(")") + 1]
    return before + word + ", ".join([row] * count) + after[len(row) :]


@lru_cache
def ends_of(count: int) -> str:
    return f"DELETE FROM admissions WHERE id IN {marks(count)}"
