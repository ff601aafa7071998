"""Small files that the process keeps for itself: written whole or not at all, and set aside when they make no sense."""

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.state.store_error import StoreError

T = TypeVar("T")
log = logging.getLogger("tokenhub.state")


def write_whole(path: Path, data: bytes) -> None:
    """Readers see the old bytes or the new ones, never a part, whatever happens in between."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise StoreError(f"cannot write `{path}`: {error.strerror}. Make the folder writable.") from error


def write_lightly(path: Path, data: bytes) -> None:
    """Whole or not at all too, but only as long as the machine runs: for what a crash of the machine may take."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write `{path}`: {error.strerror}") from error


def read_or_set_aside(path: Path, decode: Callable[[bytes], T], unix: float) -> T | None:
    """None if there is no such file, or one that `decode` refuses (ValueError): that is kept under another name."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read `{path}`: {error.strerror}. Check the permissions.") from error
    try:
        return decode(data)
    except ValueError as error:
        aside = path.with_name(f"{path.name}.corrupt-{int(unix)}")
        log.error("`%s` is not readable (%s); it is kept as `%s` and a new one is begun", path, error, aside.name)  # noqa: TRY400
        path.replace(aside)
        return None


def sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
