"""The last configuration that worked, kept on disk, so that a restart over broken files can still serve."""

import logging
from pathlib import Path
from typing import Any

import msgspec

from gateway.config.load import Loading
from gateway.config.shape import Declaration
from gateway.state.kept_file import write_whole
from gateway.state.store_error import StoreError

LOG = logging.getLogger("tokenhub")

FILE = "last-good.yaml"


def place(data_dir: Path) -> Path:
    return data_dir / FILE


def keep(loading: Loading, data_dir: Path) -> None:
    """The merged declaration, references as they were written: no secret that was not in the files gets to disk."""
    if loading.declaration is None:
        return
    try:
        write_whole(place(data_dir), as_file(loading.declaration))
    except StoreError as error:
        LOG.warning("the last good configuration is not kept: %s", error)


def as_file(declaration: Declaration) -> bytes:
    """JSON, which is YAML; what tells the kinds of alias apart inside the process is not part of the language."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(declaration))
    for alias in plain.get("aliases", {}).values():
        if isinstance(alias, dict):
            alias.pop("kind", None)
    return msgspec.json.encode({"version": 1} | plain)
