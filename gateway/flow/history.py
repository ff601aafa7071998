"""The reload ledger: every attempt to take a configuration into service, kept in memory and on disk."""

import logging
from collections import deque
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

LOG = logging.getLogger("tokenhub")

KEPT = 200
MAX_BYTES = 1024 * 1024

Result = Literal["loaded", "unchanged", "refused", "ignored", "trying", "not-tried", "promoted", "rolled-back"]
"""Of a reload; from `trying` on, of a candidate."""


class Verdict(Struct, frozen=True):
    """What became of the files."""

    outcome: Result
    changes: tuple[str, ...] = ()
    problems: tuple[dict[str, Any], ...] = ()
    restart_needed: tuple[str, ...] = ()
    """Settings that take effect at the next start."""
    refused: str = ""
    """The digest of what was turned down, where it could be told."""


class ReloadOutcome(Struct, frozen=True, kw_only=True):
    """What became of one attempt."""

    unix: float
    trigger: str
    outcome: Result
    digest_before: str
    digest: str
    """Of the configuration that serves now."""
    changes: tuple[str, ...] = ()
    problems: tuple[dict[str, Any], ...] = ()
    restart_needed: tuple[str, ...] = ()
    ms: float = 0.0
    why: str = ""
    """What a candidate's fate was decided by."""
    candidate: str = ""
    """The digest of a candidate, where this is about one."""
    refused: str = ""
    """The digest of what was turned down; empty where the files are too broken to have one."""

    @property
    def ok(self) -> bool:
        return self.outcome in ("loaded", "unchanged")


class History:
    """The newest first in memory; one JSON line each in `reloads.jsonl`, with one older file beside it."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / "reloads.jsonl"
        self._entries: deque[ReloadOutcome] = deque(maxlen=KEPT)
        self._unfinished = False

    def note(self, outcome: ReloadOutcome) -> None:
        self._entries.appendleft(outcome)
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > MAX_BYTES:
                self._path.replace(self._path.with_suffix(".jsonl.1"))
            with self._path.open("ab") as file:
                file.write((b"\n" if self._unfinished else b"") + msgspec.json.encode(outcome) + b"\n")
            self._unfinished = False
        except OSError as error:
            LOG.warning("cannot write the reload ledger: %s", error.strerror)

    def recall(self) -> None:
        """What earlier processes noted; a line that was cut short by their end is passed over."""
        if self._path is None:
            return
        try:
            raw = self._path.read_bytes()
        except OSError:
            return
        self._unfinished = not raw.endswith(b"\n")
        for line in raw.splitlines()[-KEPT:]:
            try:
                self._entries.appendleft(msgspec.json.decode(line, type=ReloadOutcome))
            except (msgspec.DecodeError, msgspec.ValidationError):
                continue

    def entries(self) -> tuple[ReloadOutcome, ...]:
        return tuple(self._entries)

    @property
    def last(self) -> ReloadOutcome | None:
        return self._entries[0] if self._entries else None
