"""The last configuration that worked, kept on disk, so that a restart over broken files can still serve."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.config.load import Loading, World, load
from gateway.config.shape import Declaration
from gateway.state.kept_file import write_whole
from gateway.state.store_error import StoreError

LOG = logging.getLogger("tokenhub")

FILE = "last-good.yaml"
_SEAL = re.compile(rb"# tokenhub: the last good configuration, ([0-9a-f]{64})\n")
_DATA_DIR = re.compile(rb"^data_dir:[ \t]*[\"']?([^\s\"'#$][^\r\n\"'#$]*)", re.MULTILINE)
_MOST = 8 * 1024 * 1024


def place(data_dir: Path) -> Path:
    return data_dir / FILE


def keep(loading: Loading, data_dir: Path) -> None:
    """The merged declaration, references as they were written: no secret that was not in the files gets to disk.

    Without the candidate it names: that lies beside the files, and nothing is tried while they are broken.
    """
    digest = loading.bare_digest
    if loading.declaration is None or digest is None:
        return
    path = place(data_dir)
    if sealed(path) == digest:
        return
    seal = f"# tokenhub: the last good configuration, {digest}\n".encode()
    try:
        write_whole(path, seal + as_file(replace(loading.declaration, canary=None)))
    except StoreError as error:
        LOG.warning("the last good configuration is not kept: %s", error)


def restore(config: Path, broken: Loading, world: World) -> Loading | None:
    """What was kept, if it is whole, still loads, means what it meant, and was kept for this purpose."""
    for folder in _folders(config, broken):
        path = place(folder)
        digest = sealed(path)
        if digest is None:
            continue
        kept = load(path, world)
        if kept.declaration is None or kept.digest != digest:
            LOG.error("%s does not hold what was kept there; it is not used", path)
        elif kept.declaration.reload.keep_last_good:
            return kept
    return None


def spare_in(folder: Path | None, world: World) -> Loading | None:
    """What the workers of this gateway serve: whoever takes the place of one must not depend on today's files."""
    digest = None if folder is None else sealed(place(folder))
    if folder is None or digest is None:
        return None
    kept = load(place(folder), world)
    return kept if kept.declaration is not None and kept.digest == digest else None


def sealed(path: Path) -> str | None:
    """The digest under which a configuration was kept here."""
    try:
        with path.open("rb") as file:
            found = _SEAL.match(file.readline(200))
    except OSError:
        return None
    return found[1].decode() if found else None


def as_file(declaration: Declaration) -> bytes:
    """JSON, which is YAML; what tells the kinds of alias apart inside the process is not part of the language."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(declaration))
    for alias in plain.get("aliases", {}).values():
        if isinstance(alias, dict):
            alias.pop("kind", None)
    return msgspec.json.encode({"version": 1} | plain)


def _folders(config: Path, broken: Loading) -> Iterator[Path]:
    """Even a broken file mostly still says where its state lives."""
    file = config / "tokenhub.yaml" if config.is_dir() else config
    try:
        with file.open("rb") as opened:
            said = _DATA_DIR.search(opened.read(_MOST))
    except OSError:
        said = None
    if said:
        yield Path(said[1].decode("utf-8", "replace").strip())
    yield Path(broken.data_dir)
