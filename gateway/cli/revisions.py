"""Configurations as git knows them: `REV:path` becomes files, without touching the work tree."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import click

from gateway.cli.places import NAME

KINDS = (".yaml", ".yml", ".json")
"""What a configuration may include; the rest of a repository stays where it is."""
LINK = b"120000"
MOST_BYTES = 8 * 1024 * 1024


@contextlib.contextmanager
def opened(spec: str) -> Iterator[Path]:
    """A file or folder as it is, or `REV:path` (from the top of the repository; `REV:./path` from here)."""
    path = Path(spec)
    if path.exists():
        yield path / NAME if path.is_dir() else path
        return
    revision, colon, inside = spec.partition(":")
    if not colon or not revision:
        raise click.UsageError(f"{spec}: there is no such file or folder, and it is not REV:path")
    with materialised(revision, from_top(inside)) as file:
        yield file


@contextlib.contextmanager
def materialised(revision: str, inside: PurePosixPath, repository: Path | None = None) -> Iterator[Path]:
    """The configuration of a revision, with everything it may include, in a folder that goes away."""
    top = repository or Path(git("rev-parse", "--show-toplevel").strip())
    with tempfile.TemporaryDirectory(prefix="tokenhub-") as folder:
        write_tree(top, revision, Path(folder), inside)
        path = Path(folder) / inside
        found = path / NAME if path.is_dir() else path
        if not found.is_file():
            raise click.UsageError(f"{revision}:{inside} is not in this repository")
        yield found


def from_top(inside: str) -> PurePosixPath:
    """`./path` counts from the current folder, as in git."""
    if inside.startswith(("./", "../")) or inside in (".", ".."):
        prefix = git("rev-parse", "--show-prefix").strip()
        return normal(PurePosixPath(prefix) / inside)
    return PurePosixPath(inside or ".")


def normal(path: PurePosixPath) -> PurePosixPath:
    """Without `..`."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if not parts:
                raise click.UsageError(f"{path} leads out of the repository")
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def write_tree(top: Path, revision: str, folder: Path, inside: PurePosixPath) -> None:
    tree = commit_of(revision, top) + "^{tree}"
    entries = git_bytes("ls-tree", "-r", "-z", "--full-tree", tree, cwd=top).split(b"\0")
    wanted = [entry for entry in entries if entry and _is_wanted(entry, inside)]
    contents = blobs(top, [entry.split(b"\t")[0].split()[2] for entry in wanted])
    for entry, content in zip(wanted, contents, strict=True):
        head, _, name = entry.partition(b"\t")
        file = folder / name.decode("utf-8", "surrogateescape")
        file.parent.mkdir(parents=True, exist_ok=True)
        if head.startswith(LINK):
            _link(folder, file, content.decode())
        else:
            file.write_bytes(content)


def commit_of(revision: str, top: Path | None = None) -> str:
    """Its full name, whatever it is called."""
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    try:
        return git(*arguments, cwd=top).strip()
    except click.UsageError:
        raise click.UsageError(f"git knows no revision `{revision}` here") from None


def _is_wanted(entry: bytes, inside: PurePosixPath) -> bool:
    head, _, name = entry.partition(b"\t")
    path = PurePosixPath(name.decode("utf-8", "surrogateescape"))
    return head.startswith((b"100", LINK)) and (path.suffix in KINDS or path == inside or head.startswith(LINK))


def _link(folder: Path, file: Path, target: str) -> None:
    """Only within the tree: a repository does not get to read what lies beside it."""
    goal = (file.parent / target).resolve()
    if not Path(target).is_absolute() and goal.is_relative_to(folder.resolve()):
        file.symlink_to(target)


def blobs(top: Path, names: Sequence[bytes]) -> list[bytes]:
    """Contents of objects, all in one go; huge ones are cut."""
    done = subprocess.run(
        ["git", "cat-file", "--batch"],  # noqa: S607
        input=b"\n".join(names) + b"\n" if names else b"",
        capture_output=True,
        check=True,
        cwd=top,
    )
    found: list[bytes] = []
    rest = memoryview(done.stdout)
    for _ in names:
        head, _, _ = bytes(rest[:200]).partition(b"\n")
        size = int(head.split()[2])
        start = len(head) + 1
        found.append(bytes(rest[start : start + min(size, MOST_BYTES)]))
        rest = rest[start + size + 1 :]
    return found


def git(*arguments: str, cwd: Path | None = None) -> str:
    return git_bytes(*arguments, cwd=cwd).decode("utf-8", "replace")


def git_bytes(*arguments: str, cwd: Path | None = None) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=True, cwd=cwd)  # noqa: S603, S607
    except FileNotFoundError:
        raise click.UsageError("git is not installed") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        raise click.UsageError(f"git says: {last}") from None
    return done.stdout
