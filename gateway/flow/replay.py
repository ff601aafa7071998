"""Requests that were sent twice under one `Idempotency-Key`: answered once, then repeated from memory."""

import hashlib
from collections import OrderedDict

from msgspec import Struct

from gateway.errors import RequestError

KEEP_S = 24 * 3600.0
MAX_BYTES = 64 * 1024 * 1024
MAX_KEY_CHARS = 255

Name = tuple[str, str, str]
"""Account, route, and the caller's key: nobody can hit another's answer."""


class Told(Struct, frozen=True):
    """A whole answer as it was sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Entry(Struct):
    """One key in use; `told` is None while its first request is under way."""

    body_digest: bytes
    since: float
    told: Told | None = None


class Replays:
    """Bounded by age and by size; the oldest answers go first."""

    def __init__(self, max_bytes: int = MAX_BYTES, *, alone: bool = True) -> None:
        self.alone = alone
        """False for one of several workers: each would remember its own."""
        self._entries: OrderedDict[Name, Entry] = OrderedDict()
        self._bytes = 0
        self._max_bytes = max_bytes

    def begin(self, name: Name, body: bytes, now: float) -> Told | None:
        """None: go on, and `finish` or `abandon`. An answer: send it again. Anything else is an error of the caller."""
        if not name[2] or len(name[2]) > MAX_KEY_CHARS:
            raise RequestError(
                "bad_request",
                "invalid_idempotency_key",
                f"An Idempotency-Key has 1 to {MAX_KEY_CHARS} characters.",
                param="Idempotency-Key",
            )
        self._forget_before(now - KEEP_S)
        digest = hashlib.sha256(body).digest()
        entry = self._entries.get(name)
        if entry is None:
            self._entries[name] = Entry(digest, now)
            return None
        if entry.body_digest != digest:
            raise RequestError(
                "invalid_value",
                "idempotency_mismatch",
                "This Idempotency-Key was used with another body.",
                param="Idempotency-Key",
            )
        if entry.told is None:
            raise RequestError(
                "conflict",
                "idempotency_in_progress",
                "A request with this Idempotency-Key is still running.",
                param="Idempotency-Key",
            )
        return entry.told

    def finish(self, name: Name, told: Told) -> None:
        entry = self._entries.get(name)
        if entry is None or entry.told is not None:
            return
        entry.told = told
        self._bytes += len(told.body)
        while self._bytes > self._max_bytes:
            self._drop_oldest_answer()

    def abandon(self, name: Name) -> None:
        """The request came to nothing that could be repeated: the key is free again."""
        entry = self._entries.get(name)
        if entry is not None and entry.told is None:
            del self._entries[name]

    def _forget_before(self, moment: float) -> None:
        while self._entries:
            name, entry = next(iter(self._entries.items()))
            if entry.since >= moment or entry.told is None:
                return
            self._drop(name)

    def _drop_oldest_answer(self) -> None:
        for name, entry in self._entries.items():
            if entry.told is not None:
                self._drop(name)
                return

    def _drop(self, name: Name) -> None:
        entry = self._entries.pop(name)
        if entry.told is not None:
            self._bytes -= len(entry.told.body)
