"""Named server-sent events, as Anthropic's and OpenAI's newer streams send them."""

from collections.abc import Mapping
from typing import Any

import msgspec

ENCODE = msgspec.json.Encoder().encode
DECODE = msgspec.json.Decoder().decode


def event(fields: Mapping[str, Any]) -> bytes:
    """One event whose name is its `type`."""
    return b"event: %s\ndata: %s\n\n" % (fields["type"].encode(), ENCODE(fields))


def first_choice(data: bytes) -> tuple[dict[str, Any], dict[str, Any], object]:
    """The chunk, the delta of its first choice, and that choice's finish reason."""
    chunk = DECODE(data)
    if not isinstance(chunk, dict):
        return {}, {}, None
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    delta = choice.get("delta")
    return chunk, delta if isinstance(delta, dict) else {}, choice.get("finish_reason")


def calls_of(delta: Mapping[str, Any]) -> list[tuple[int, str, str, str]]:
    """Index, id, name and arguments of each tool call in a delta; what is absent is empty."""
    calls = delta.get("tool_calls")
    found = []
    for place, call in enumerate(calls if isinstance(calls, list) else ()):
        if not isinstance(call, dict):
            continue
        function = call.get("function")
        fields = function if isinstance(function, dict) else {}
        index = call.get("index")
        words = (call.get("id"), fields.get("name"), fields.get("arguments"))
        identity, name, arguments = (word if isinstance(word, str) else "" for word in words)
        found.append((index if isinstance(index, int) else place, identity, name, arguments))
    return found


def text_of(delta: Mapping[str, Any], name: str) -> str:
    value = delta.get(name)
    return value if isinstance(value, str) else ""
