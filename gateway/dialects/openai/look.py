"""All that we read of a chunk in OpenAI's words."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.chunks import text_length
from gateway.dialects.openai.words import FINISH


class DeltaLook(Struct, gc=False):
    content: str | list[Any] | None = None
    tool_calls: list[Any] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    function_call: Any = None
    audio: Any = None


class ChoiceLook(Struct, gc=False):
    index: int | None = None
    delta: DeltaLook | None = None
    text: str | None = None
    finish_reason: str | None = None


class ChunkLook(Struct, gc=False):
    """All that we read of a chunk."""

    choices: list[ChoiceLook] | None = None
    usage: Any = None
    error: Any = None


LOOK = msgspec.json.Decoder(ChunkLook)


def size(choice: ChoiceLook) -> int:
    """About how many characters the caller gets to see; at least 1 where there is anything."""
    delta = choice.delta
    if delta is None:
        return len(choice.text) if choice.text else 0
    if type(delta.content) is str and delta.content:
        return len(delta.content)
    if delta.tool_calls:
        return text_length({"tool_calls": delta.tool_calls}) or 1
    return _rare_size(delta)


def _rare_size(delta: DeltaLook) -> int:
    thought = delta.reasoning_content or delta.reasoning
    size = len(delta.refusal or "") + (len(thought) if isinstance(thought, str) else 0)
    return size or bool(delta.content or delta.function_call or delta.audio)


def is_crooked(choice: ChoiceLook) -> bool:
    """Says something differently than OpenAI does."""
    delta = choice.delta
    return (
        choice.index is None
        or choice.finish_reason in FINISH
        or (delta is not None and (delta.reasoning is not None or type(delta.content) is list))
    )


def text_of(choice: ChoiceLook) -> str:
    """What it says, if that is all in one place."""
    delta = choice.delta
    said = choice.text if delta is None else delta.content or delta.reasoning_content
    return said if type(said) is str else ""
