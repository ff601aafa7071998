"""Read files: bounded, as UTF-8, each once, all remembered."""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.config.findings import Findings
from gateway.config.tree import Source, Spot

LARGEST = 8 * 1024 * 1024
LARGEST_SUM = 64 * 1024 * 1024
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

Meant = Callable[[Path, Spot | None], str | None]
"""A hint for a file that does not exist."""


class Library:
    """Everything that was read for one configuration."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.files: list[Path] = []
        self.folders: list[Path] = []
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def fingerprint(self) -> str:
        """Digest of all raw bytes, in the order they were read; not for showing."""
        return self._digest.hexdigest()

    def note(self, path: Path, raw: bytes) -> None:
        """This too belongs to the configuration."""
        self.files.append(path)
        _count_in(self._digest, path, raw)

    def read(self, path: Path, wanted_by: Spot | None, meant: Meant | None = None) -> Source | None:
        """The text of a file, or None and a problem: at the file itself, or where it was included."""
        raw = self._bytes(path, wanted_by, meant)
        if raw is None:
            return None
        self.note(path, raw)
        return self._text(path, raw)

    def _bytes(self, path: Path, wanted_by: Spot | None, meant: Meant | None) -> bytes | None:
        nobody = wanted_by or Spot(Source(str(path), ""), 1, 1, 1)
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST + 1)
        except OSError as error:
            self.files.append(path)
            hint = meant(path, wanted_by) if meant and error.errno == errno.ENOENT else None
            self._unreadable(path, error, nobody, "TH1001" if wanted_by is None else "TH1201", hint)
            return None
        self.size += len(raw)
        if len(raw) > LARGEST or self.size > LARGEST_SUM:
            self.files.append(path)
        if len(raw) > LARGEST:
            self.findings.add("TH1003", nobody, f"`{path}` is larger than 8 MiB", "split it and `include:` the parts")
            return None
        if self.size > LARGEST_SUM:
            self.findings.add("TH1003", nobody, f"with `{path}`, the files are larger than 64 MiB together")
            return None
        return raw

    def _unreadable(self, path: Path, error: OSError, spot: Spot, missing: str, hint: str | None) -> None:
        self.folders.append(path.parent)
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.ENOENT:
            code, message = missing, f"`{path}` does not exist"
        elif error.errno == errno.EISDIR:
            code, message = "TH1002", f"`{path}` is a folder"
        elif error.errno == errno.ELOOP:
            code, message = "TH1002", f"`{path}` is a circle of symbolic links"
        else:
            code, message = "TH1002", f"`{path}` cannot be read: {reason}"
        self.findings.add(code, spot, message, hint)

    def _text(self, path: Path, raw: bytes) -> Source | None:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8", "replace")
            wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
            found = "the file is UTF-16" if wide else f"the byte 0x{raw[error.start]:02x} is not UTF-8"
            spot = _end_of(Source(str(path), before))
            self.findings.add("TH1004", spot, found, "save the file as UTF-8")
            return None
        source = Source(str(path), text)
        control = _CONTROL.search(text)
        if control:
            spot = _end_of(Source(str(path), text[: control.start()]))
            name = f"U+{ord(control[0]):04X}"
            self.findings.add("TH1005", spot._replace(source=source), f"a control character ({name})", "remove it")
            return None
        return source


def fingerprint_of(files: Iterable[Path]) -> str:
    """The fingerprint of a library that has read these, all of them readable; empty if one is not."""
    digest = hashlib.sha256()
    try:
        for path in files:
            _count_in(digest, path, path.read_bytes())
    except OSError:
        return ""
    return digest.hexdigest()


def _count_in(digest: "hashlib._Hash", path: Path, raw: bytes) -> None:
    digest.update(f"{len(raw)}:{path}\n".encode())
    digest.update(raw)


def _end_of(source: Source) -> Spot:
    """The place just behind a text."""
    lines = source.lines()
    return Spot(source, len(lines), len(lines[-1]) + 1, 1)
