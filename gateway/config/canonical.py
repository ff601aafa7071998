"""The digest of a declaration: the same for the same meaning."""

import hashlib
from functools import cache
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct

from gateway.config.shape import Declaration


def digest_of(declaration: Declaration) -> str:
    """Order of keys, comments, files, and defaults that are written out do not count."""
    return hashlib.sha256(msgspec.json.encode(canonical(declaration), order="deterministic")).hexdigest()


def canonical(value: Any) -> Any:
    """Plain values without what is at its default."""
    if isinstance(value, Struct):
        found = {} if value.__struct_config__.tag is None else {"kind": value.__struct_config__.tag}
        for name, default in _defaults(type(value)):
            said = getattr(value, name)
            if said != default:
                found[name] = canonical(said)
        return found
    if isinstance(value, dict):
        return {name: canonical(child) for name, child in value.items()}
    return [canonical(item) for item in value] if isinstance(value, tuple) else value


@cache
def _defaults(struct: type[Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (field.name, field.default_factory() if field.default_factory is not NODEFAULT else field.default)
        for field in msgspec.structs.fields(struct)
    )
