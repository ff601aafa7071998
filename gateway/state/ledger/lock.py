"""Who may write a SQLite ledger: one process, or the workers of one supervisor that holds the lock for all of them."""

import fcntl
import os
from pathlib import Path

from gateway.state.store_error import StoreRefusedError


class Lock:
    """Held until `release`, or until the process that took it is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def take(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise StoreRefusedError(
                f"the ledger `{self._path}` is in use by another tokenhub. One gateway may write a SQLite file; "
                "for several, set `ledger: postgresql://…`."
            ) from error
        except OSError as error:
            raise StoreRefusedError(
                f"cannot open the ledger `{self._path}`: {error.strerror}. Set `data_dir` to a writable folder."
            ) from error

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_for(url: str, data_dir: Path) -> Lock | None:
    """None where the database itself lets several in."""
    scheme, _, rest = url.partition("://")
    return Lock(data_dir / rest) if scheme == "sqlite" else None
