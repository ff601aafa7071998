"""What operators told the running gateway, over and above the files: kept on disk, and always shown as drift."""

from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.moment import Ladder
from gateway.state.kept_file import read_or_set_aside, write_whole


class LadderOverride(Struct, frozen=True, kw_only=True):
    """The rungs of `*` as set by the admin API."""

    models: tuple[str, ...]
    set_unix: float
    expires_unix: float | None = None


class OverrideBook(Struct, frozen=True, kw_only=True):
    """All overrides as one value; `serial` grows with each change, so that the newest of two is known."""

    version: int = 1
    serial: int = 0
    ladder: LadderOverride | None = None
    disabled_providers: dict[str, float] = {}
    """Since when, in Unix seconds."""


class Overrides:
    """Reads are plain attributes; each change is on disk before it is in force."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file_rungs: tuple[str, ...] | None = None
        self._take(OverrideBook())

    def load(self, unix: float) -> None:
        """What was in force when the process last ran."""
        if self._path is not None:
            self._take(read_or_set_aside(self._path, read_overrides, unix) or OverrideBook())
            self.tick(unix)

    def set_ladder(self, models: tuple[str, ...], unix: float, expires_in_s: float | None = None) -> None:
        expires = None if expires_in_s is None else unix + expires_in_s
        self._change(ladder=LadderOverride(models=models, set_unix=unix, expires_unix=expires))

    def clear_ladder(self) -> None:
        if self.book.ladder is not None:
            self._change(ladder=None)

    def disable_provider(self, name: str, unix: float) -> None:
        if name not in self.book.disabled_providers:
            self._change(disabled_providers=self.book.disabled_providers | {name: unix})

    def enable_provider(self, name: str) -> None:
        """Takes back what `disable_provider` did; a provider that the files switch off stays off."""
        if name in self.book.disabled_providers:
            left = {other: since for other, since in self.book.disabled_providers.items() if other != name}
            self._change(disabled_providers=left)

    def use_file_ladder(self, models: tuple[str, ...] | None) -> None:
        """The rungs of the wildcard file, if there is one: they yield to the API and go before the configuration."""
        self._file_rungs = models
        self._take(self.book)

    def tick(self, unix: float) -> None:
        """Drops what has expired."""
        ladder = self.book.ladder
        if ladder is not None and ladder.expires_unix is not None and unix >= ladder.expires_unix:
            self._change(ladder=None)

    def adopt(self, book: OverrideBook) -> bool:
        """Takes over what another process of ours was told, if it is newer than what we know."""
        if book.serial <= self.book.serial:
            return False
        self._keep(book)
        return True

    def _change(self, **changed: object) -> None:
        self._keep(replace(self.book, serial=self.book.serial + 1, **changed))

    def _keep(self, book: OverrideBook) -> None:
        if self._path is not None:
            write_whole(self._path, msgspec.json.encode(book))
        self._take(book)

    def _take(self, book: OverrideBook) -> None:
        self.book = book
        self.disabled_providers = frozenset(book.disabled_providers)
        self.ladder: Ladder | None = None
        if book.ladder is not None:
            self.ladder = Ladder(models=book.ladder.models, source="api")
        elif self._file_rungs is not None:
            self.ladder = Ladder(models=self._file_rungs, source="file")


def read_overrides(data: bytes) -> OverrideBook:
    """ValueError for anything that is not a file of ours."""
    book = msgspec.json.decode(data, type=OverrideBook)
    if book.version != 1:
        raise ValueError(f"layout {book.version} is not known")
    return book
