"""What a provider said, in OpenAI's words."""

from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import force_setattr

FIELDS = msgspec.json.Decoder(dict[str, Raw])
OURS = ("id", "object", "created", "model")
"""Members that the gateway reads."""


class Usage(Struct, frozen=True, kw_only=True):
    """Disjoint buckets: their sum is all that was used."""

    input_tokens: int = 0
    """Fresh input: not from a cache, not written to one, neither audio nor image."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    """Without reasoning and audio."""
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_tokens: int = 0
    estimated: bool = False
    """The provider sent none, or one that cannot be true."""

    @property
    def prompt_tokens(self) -> int:
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_tokens
            + self.audio_input_tokens
            + self.image_tokens
        )

    @property
    def completion_tokens(self) -> int:
        return self.output_tokens + self.reasoning_tokens + self.audio_output_tokens

    def total(self) -> int:
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_tokens
            + self.output_tokens
            + self.reasoning_tokens
            + self.audio_input_tokens
            + self.audio_output_tokens
            + self.image_tokens
        )


class Answer(Struct, frozen=True, kw_only=True):
    """One whole answer: OpenAI's object."""

    whole: dict[str, Any] | bytes
    """Bytes where nobody has had to look inside yet; values the gateway does not read may be `msgspec.Raw`."""
    usage: Usage | None
    """None where the provider sent none that can be believed."""
    model: str
    """As the provider named it; empty where it did not."""
    output_chars: int = 0
    """Length of the text, for an estimate where usage is missing."""

    @property
    def fields(self) -> dict[str, Any]:
        """To look inside, and to change what is there: from now on it is no bytes any more."""
        whole = self.whole
        if isinstance(whole, bytes):
            raw = FIELDS.decode(whole)
            whole = {**raw, **{name: msgspec.json.decode(raw[name]) for name in OURS}}
            force_setattr(self, "whole", whole)
        return whole


class Chunk(Struct, frozen=True, gc=False):
    """One event of a stream, ready to be sent: JSON in OpenAI's words on one line, id and model already ours."""

    data: bytes
    content: bool = False
    """Carries something the caller can see: text, a tool call, a refusal, reasoning."""
    usage: Usage | None = None
    usage_only: bool = False
    """The extra chunk with empty choices: sent on only if the caller asked for it."""
    finish: bool = False
    """At least one choice ended with this chunk."""
    chars: int = 0
    """About how much text it carries."""
