"""Straighten what compatible hosts say differently inside a choice: reasoning, finish reasons, content in parts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

FINISH: Mapping[str, str] = MappingProxyType(
    {
        "eos": "stop",
        "end_turn": "stop",
        "stop_sequence": "stop",
        "complete": "stop",
        "max_tokens": "length",
        "model_length": "length",
        "tool_use": "tool_calls",
        "tool_call": "tool_calls",
        "safety": "content_filter",
    }
)
"""Other hosts' finish reasons in OpenAI's words; those not listed stay."""

BROKEN_OFF = frozenset({"error", "insufficient_system_resource", "abort"})
"""Finish reasons that mean the provider gave up."""


def straighten(choice: dict[str, Any], place: int) -> dict[str, Any]:
    """One decoded choice, of an answer or of a chunk, in OpenAI's words."""
    if not isinstance(choice.get("index"), int):
        choice["index"] = place
    if choice.get("finish_reason") in FINISH:
        choice["finish_reason"] = FINISH[choice["finish_reason"]]
    for part in ("message", "delta"):
        said = choice.get(part)
        if isinstance(said, dict):
            _straighten_message(said)
        elif part in choice and said is None:
            choice[part] = {}
    return choice


def _straighten_message(message: dict[str, Any]) -> None:
    if isinstance(message.get("reasoning"), str):
        reasoning = message.pop("reasoning")
        message["reasoning_content"] = message.get("reasoning_content") or reasoning
    if isinstance(message.get("content"), list):
        _join_parts(message, message["content"])


def _join_parts(message: dict[str, Any], parts: list[Any]) -> None:
    """Mistral's thinking models answer with a list of parts."""
    text: list[str] = []
    thought: list[str] = []
    for part in parts:
        if isinstance(part, dict):
            (thought if part.get("type") == "thinking" else text).append(_text_of(part))
    message["content"] = "".join(text)
    if thought:
        message["reasoning_content"] = "".join(thought)


def _text_of(part: dict[str, Any]) -> str:
    inner = part.get("thinking")
    if isinstance(inner, list):
        return "".join(_text_of(piece) for piece in inner if isinstance(piece, dict))
    for value in (inner, part.get("text")):
        if isinstance(value, str):
            return value
    return ""
