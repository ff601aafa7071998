"""What a host that speaks OpenAI's dialect may do differently, and how a file says so under `options:`."""

from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import force_setattr

from gateway.secret import Secret

ENDPOINTS = frozenset({"chat", "completions", "embeddings"})


PARTS = (("image_data", "image_url"), ("audio_input", "input_audio"))
"""A feature, and the type of the content part that says it."""


class Quirks(Struct, frozen=True, kw_only=True):
    """What one host does not do as OpenAI does."""

    max_tokens_field: str = ""
    """The one name it knows for the bound on output; empty: whatever the caller wrote."""
    refuse_fields: frozenset[str] = frozenset()
    """Fields it cannot express. `field=value` refuses one value (or `type`) of a field."""
    drop_fields: frozenset[str] = frozenset()
    """Fields that change no answer and that the host chokes on: labels, hints for caches."""
    drop_message_fields: frozenset[str] = frozenset()
    """The same, inside messages and their tool calls: what other hosts said in earlier turns and want back."""
    rename_fields: tuple[tuple[str, str], ...] = ()
    stream_options: bool = True
    """Knows `stream_options.include_usage`."""
    embedding_formats: frozenset[str] = frozenset({"float", "base64"})
    developer_role: bool = True
    """Knows the role `developer`; where not, it becomes `system`."""
    cache_markers: bool = True
    """Takes `cache_control` in content parts and tools; where not, it caches by itself and the marks are left out."""
    own_models: bool = False
    """Its models are OpenAI's, and their ids say what each one refuses."""
    endpoints: frozenset[str] = ENDPOINTS
    """What it serves at all; for the documentation."""
    lacks: frozenset[str] = frozenset()
    """Features it has no place for: parts and messages that say them are refused."""

    # what follows from that, worked out once
    refused_names: frozenset[str] = frozenset()
    """The fields that `refuse_fields` is about, whatever their values."""
    unheard: frozenset[str] = frozenset()
    """Types of content parts that it does not take."""
    bends_messages: bool = False

    def __post_init__(self) -> None:
        force_setattr(self, "refused_names", frozenset(rule.partition("=")[0] for rule in self.refuse_fields))
        force_setattr(self, "unheard", frozenset(part for feature, part in PARTS if feature in self.lacks))
        bends = bool(self.drop_message_fields) or not self.developer_role or not self.cache_markers
        force_setattr(self, "bends_messages", bends)


AS_WRITTEN = Quirks()


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
        "drop_message_fields": _names,
        "rename_fields": _pairs,
        "stream_options": _truth,
        "embedding_formats": _names,
        "developer_role": _truth,
        "cache_markers": _truth,
    }
)
"""Each option's name in the file, and how its text is read: lists by commas, pairs as `old:new`."""
