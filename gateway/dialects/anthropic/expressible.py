"""What the Messages API can be asked for in OpenAI's words, and what it cannot."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects import expressible as can

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

FIELDS: Mapping[str, can.Test] = MappingProxyType(
    {
        "model": can.anything,
        "messages": can.anything,
        "tools": can.anything,
        "stream": can.anything,
        "stream_options": can.anything,
        "max_tokens": can.anything,
        "max_completion_tokens": can.anything,
        "stop": can.is_stop,
        "temperature": can.at_most(1),
        "top_p": can.at_most(1),
        "top_k": can.anything,
        "tool_choice": can.is_tool_choice,
        "parallel_tool_calls": can.anything,
        "response_format": can.is_response_format,
        "reasoning_effort": can.one_of(*EFFORTS),
        "thinking": lambda value: isinstance(value, dict),
        "cache_control": lambda value: isinstance(value, dict),
        "user": lambda value: isinstance(value, str),
        "safety_identifier": lambda value: isinstance(value, str),
        "service_tier": can.one_of("auto", "default"),
        "verbosity": can.one_of("medium"),
        "modalities": can.one_of(["text"]),
        "n": can.one_of(1),
        "logprobs": can.falsy,
        "logit_bias": can.falsy,
        "presence_penalty": can.falsy,
        "frequency_penalty": can.falsy,
        "store": can.falsy,
        "metadata": can.falsy,
        "functions": can.falsy,
        "prompt_cache_key": can.anything,  # a hint where to look for a cache: it changes no answer
        "prompt_cache_retention": can.anything,
    }
)
"""OpenAI's field to the values of it that can be said; a field that is not here cannot."""

SPOKEN = frozenset({"role", "content", "cache_control"})
ECHOED = frozenset({"reasoning_content", "reasoning", "reasoning_details", "annotations"})
"""Parts of an answer that clients send back and that only the provider who wrote them would read."""
ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "system": SPOKEN,
        "developer": SPOKEN,
        "user": SPOKEN,
        "assistant": SPOKEN | ECHOED | {"tool_calls", "refusal", "thinking_blocks"},
        "tool": SPOKEN | {"tool_call_id", "name", "is_error"},
    }
)
SEEING = frozenset({"user", "tool"})
DETAILS = (None, "auto", "high", "original")


def unexpressed(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that the Messages API has no words for."""
    return (
        *can.unexpressed(payload, FIELDS),
        *can.unexpressed_messages(payload.get("messages"), ROLES, unexpressed_part),
        *can.unexpressed_tools(payload.get("tools")),
    )


def unexpressed_part(role: str, part: Mapping[str, Any]) -> str | None:
    """Which place of a content part cannot be said by this role."""
    kind = part.get("type")
    if kind == "text" or (kind == "refusal" and role == "assistant"):
        return None if isinstance(part.get(kind), str) else kind
    if kind == "image_url" and role in SEEING:
        return _image(part.get("image_url"))
    if kind == "file" and role in SEEING:
        return _file(part.get("file"))
    return "type"


def _image(image: object) -> str | None:
    if not isinstance(image, dict) or not isinstance(url := image.get("url"), str):
        return "image_url"
    if url.startswith("data:") and can.data_url(url) is None:
        return "image_url.url"
    return None if image.get("detail") in DETAILS else "image_url.detail"


def _file(file: object) -> str | None:
    if not isinstance(file, dict):
        return "file"
    data = can.data_url(file.get("file_data"))
    if data is None:
        return "file.file_data" if file.get("file_data") else "file.file_id"
    return None if data[0] in DOCUMENTS else "file.file_data"


DOCUMENTS = frozenset({"application/pdf", "text/plain"})
