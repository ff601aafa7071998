"""SHA-256 of something short, by the interpreter's own code: OpenSSL takes longer to get ready than to read a key."""

import hashlib
import importlib
from collections.abc import Callable
from typing import Any

OWN = ("_sha2", "_sha256")
"""Where CPython keeps it: since 3.12, and before."""


def hex_sha256(data: bytes) -> str:
    return _sha256(data).hexdigest()  # type: ignore[no-any-return]


def own_sha256(modules: tuple[str, ...] = OWN) -> Callable[[bytes], Any]:
    """The first there is; an interpreter built without its own has that of OpenSSL."""
    for name in modules:
        try:
            found: Callable[[bytes], Any] = importlib.import_module(name).sha256
        except ImportError:
            continue
        return found
    return hashlib.sha256


_sha256 = own_sha256()
