"""What on disk belongs to a configuration: which folders to watch for it, and whether its content changed."""

import glob
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from gateway.config.sources import fingerprint_of

LINKS = 40
"""As many links in a row as a kernel follows."""
MOST_FOLDERS = 1000
_OCTAL = re.compile(r"\\([0-7]{3})")


class Footprint(Struct, frozen=True, dict=True):
    """Files that were read, or looked for in vain, and folders in which patterns look for files."""

    files: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()

    def content(self) -> str:
        """A digest of every file's content and of the names in every folder; what cannot be read counts as absent."""
        digest = hashlib.sha256()
        for file in self.files:
            raw = content_of(file)
            digest.update(f"{file}\0{'-' if raw is None else len(raw)}\n".encode())
            digest.update(raw or b"")
        for folder in self.folders:
            for name in sorted(map(str, under(folder))):
                digest.update(f"{name}\n".encode())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """What a loading of these files would have for its fingerprint, if none of them is missing."""
        return fingerprint_of(self.files)

    def watched(self) -> "Watched":
        """What to listen to, as the folders are at this moment."""
        entries = {entry for file in self.files for entry in on_the_way(file)}
        whole = {folder for pattern in self.folders for folder in (stem(pattern), *under(pattern)) if folder.is_dir()}
        return Watched(
            folders=frozenset(identified({entry.parent for entry in entries} | whole)),
            names=frozenset(entry.name for entry in entries),
            whole=frozenset(map(str, whole)),
        )

    @cached_property
    def frozen(self) -> tuple[str, ...]:
        """Files that will never change, because of how they are mounted."""
        mounts = Path("/proc/self/mountinfo")
        return frozen_mounts(self.files, mounts.read_text(errors="replace")) if mounts.exists() else ()


class Watched(Struct, frozen=True):
    """Folders whose events matter, each with what tells it from another folder of the same name."""

    folders: frozenset[tuple[str, int, int]] = frozenset()
    names: frozenset[str] = frozenset()
    """Entries that matter, in any of them."""
    whole: frozenset[str] = frozenset()
    """Folders in which every entry matters."""

    def concerns(self, path: str) -> bool:
        """Whether an event there may be one of ours; many may write beside a configuration."""
        folder, _, name = path.rpartition("/")
        return name in self.names or folder in self.whole or any(path == watched for watched, _, _ in self.folders)


def content_of(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (OSError, ValueError):
        return None


def stem(pattern: Path) -> Path:
    """The part of a folder's path in front of the first wildcard."""
    plain = pattern
    while glob.has_magic(str(plain)):
        plain = plain.parent
    return plain


def under(pattern: Path) -> Iterator[Path]:
    """Every folder that a pattern stands for, and all that lies in it."""
    try:
        folders = [pattern]
        if glob.has_magic(str(pattern)):
            found = glob.iglob(str(pattern), recursive=True)  # noqa: PTH207 (the pattern is absolute or of our folder)
            folders = [Path(name) for name, _ in zip(found, range(MOST_FOLDERS), strict=False)]
        for folder in folders:
            if folder.is_dir():
                yield folder
                yield from folder.iterdir()
    except OSError:
        return


def on_the_way(file: Path) -> Iterator[Path]:
    """A file and every link that leads to it: whoever replaces one of these replaces the file.

    Behind a link called `..data` nothing is ever written in place, and its target is another folder after each swap.
    """
    path = file.absolute()
    for _ in range(LINKS):
        link = first_link(path)
        yield link or path
        target = None if link is None or link.name == "..data" else target_of(link)
        if link is None or target is None:
            return
        path = target / path.relative_to(link)


def target_of(link: Path) -> Path | None:
    try:
        return link.parent / link.readlink()
    except OSError:
        return None


def first_link(path: Path) -> Path | None:
    for part in (*reversed(path.parents), path):
        if part.is_symlink():
            return part
    return None


def identified(folders: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for folder in folders:
        try:
            stat = folder.stat()
        except OSError:
            continue
        if folder.is_dir():
            yield str(folder), stat.st_dev, stat.st_ino


def frozen_mounts(files: Iterable[Path], mountinfo: str) -> tuple[str, ...]:
    """Files that are mount points themselves, or lie on a `subPath`: what replaces them on the host is never seen."""
    mounts = [tuple(map(unescaped, line.split(" ")[3:5])) for line in mountinfo.splitlines() if line.count(" ") > 4]
    points = {Path(point) for _, point in mounts}
    subpaths = {Path(point) for root, point in mounts if "/volume-subpaths/" in root}
    real = {file: file.resolve() for file in files}
    return tuple(str(file) for file in files if real[file] in points or subpaths & set(real[file].parents))


def unescaped(field: str) -> str:
    """Blanks and backslashes are written as octal numbers there."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), field)
