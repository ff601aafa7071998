"""What Cohere can be asked for in OpenAI's words, and what it cannot."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects import expressible as can

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
MOST_TEXTS = 96
MOST_STOPS = 5


def _is_penalty(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


FIELDS: Mapping[str, can.Test] = MappingProxyType(
    {
        "model": can.anything,
        "messages": can.anything,
        "tools": can.anything,
        "stream": can.anything,
        "stream_options": can.anything,
        "max_tokens": can.anything,
        "max_completion_tokens": can.anything,
        "stop": lambda value: can.is_stop(value) and len(can.stop_list(value)) <= MOST_STOPS,
        "temperature": can.anything,
        "top_p": can.at_most(1),
        "top_k": can.anything,
        "seed": lambda value: isinstance(value, int) and value >= 0,
        "presence_penalty": _is_penalty,
        "frequency_penalty": _is_penalty,
        "tool_choice": can.is_tool_choice,
        "parallel_tool_calls": can.one_of(True),
        "response_format": can.is_response_format,
        "reasoning_effort": can.one_of(*EFFORTS),
        "thinking": lambda value: isinstance(value, dict),
        "safety_mode": can.one_of("CONTEXTUAL", "STRICT", "OFF"),
        "priority": lambda value: isinstance(value, int),
        "verbosity": can.one_of("medium"),
        "modalities": can.one_of(["text"]),
        "service_tier": can.one_of("auto", "default"),
        "n": can.one_of(1),
        "logprobs": can.falsy,
        "logit_bias": can.falsy,
        "store": can.falsy,
        "metadata": can.falsy,
        "functions": can.falsy,
        "cache_control": can.anything,  # hints what to cache: Cohere caches by itself, and no answer changes
        "prompt_cache_key": can.anything,
        "prompt_cache_retention": can.anything,
    }
)
"""OpenAI's field to the values of it that can be said; a field that is not here cannot."""

EMBEDDING_FIELDS: Mapping[str, can.Test] = MappingProxyType(
    {
        "model": can.anything,
        "input": lambda value: isinstance(value, str) or are_texts(value, MOST_TEXTS),
        "dimensions": can.anything,
        "encoding_format": can.one_of("float", "base64"),
        "input_type": lambda value: isinstance(value, str),
        "user": can.falsy,
    }
)


def are_texts(value: object, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most and all(isinstance(each, str) for each in value)


SPOKEN = frozenset({"role", "content", "cache_control"})
ECHOED = frozenset({"reasoning_content", "reasoning", "reasoning_details", "annotations"})
ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "system": SPOKEN,
        "developer": SPOKEN,
        "user": SPOKEN,
        "assistant": SPOKEN | ECHOED | {"tool_calls", "refusal", "thinking_blocks"},
        "tool": SPOKEN | {"tool_call_id", "name"},
    }
)
DETAILS = frozenset({None, "auto", "low", "high"})


def unexpressed(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that Cohere has no words for."""
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
    if kind != "image_url" or role != "user":
        return "type"
    image = part.get("image_url")
    if not isinstance(image, dict) or not isinstance(image.get("url"), str):
        return "image_url"
    return None if is_detail(image.get("detail")) else "image_url.detail"


def is_detail(detail: object) -> bool:
    return isinstance(detail, str | None) and detail in DETAILS
