"""How hosts that speak OpenAI's dialect differ from it: a row a host, and the same words as `options:`."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.table import Provider
from gateway.secret import Secret

OPENAI_URL = "https://api.openai.com/"


class Quirks(Struct, frozen=True, kw_only=True):
    """What one host does not do as OpenAI does."""

    max_tokens_field: str = ""
    """The one name it knows for the bound on output; empty: whatever the caller wrote."""
    refuse_fields: frozenset[str] = frozenset()
    """Fields it cannot express. `field=value` refuses one value (or `type`) of a field."""
    drop_fields: frozenset[str] = frozenset()
    """Fields that are left out without a word: the host chokes on them and nobody misses them."""
    rename_fields: tuple[tuple[str, str], ...] = ()
    stream_options: bool = True
    """Knows `stream_options.include_usage`."""
    embedding_formats: frozenset[str] = frozenset({"float", "base64"})
    developer_role: bool = True
    """Knows the role `developer`; where not, it becomes `system`."""


AS_WRITTEN = Quirks()

QUIRKS: Mapping[str, Quirks] = MappingProxyType({"openai": Quirks(max_tokens_field="max_completion_tokens")})
"""By the dialect's name in the file."""


def quirks_of(provider: Provider) -> Quirks:
    """The row of the host, bettered by what the file says under `options:`."""
    row = QUIRKS.get(provider.dialect, AS_WRITTEN)
    if provider.dialect == "openai" and not provider.base_url.startswith(OPENAI_URL):
        row = AS_WRITTEN
    said = {name: read(provider.options[name]) for name, read in OPTIONS.items() if name in provider.options}
    return replace(row, **said) if said else row


def _text(value: Secret) -> str:
    return value.reveal().strip()


def _names(value: Secret) -> frozenset[str]:
    return frozenset(value.reveal().replace(",", " ").split())


def _pairs(value: Secret) -> tuple[tuple[str, str], ...]:
    pairs = (word.partition(":") for word in value.reveal().replace(",", " ").split())
    return tuple((old, new) for old, _, new in pairs if old and new)


def _truth(value: Secret) -> bool:
    return value.reveal().strip().lower() in {"true", "yes", "on", "1"}


OPTIONS = MappingProxyType(
    {
        "max_tokens_field": _text,
        "refuse_fields": _names,
        "drop_fields": _names,
        "rename_fields": _pairs,
        "stream_options": _truth,
        "embedding_formats": _names,
        "developer_role": _truth,
    }
)
"""Each option's name in the file, and how its text is read."""
