"""What Gemini can be asked for in OpenAI's words, and what it cannot."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects import expressible as can

LEVELS: Mapping[str, str] = MappingProxyType(
    {
        "none": "MINIMAL",
        "minimal": "MINIMAL",
        "low": "LOW",
        "medium": "MEDIUM",
        "high": "HIGH",
        "xhigh": "XHIGH",
        "max": "XHIGH",
    }
)
"""`reasoning_effort` as a thinking level; these models cannot stop thinking altogether."""
MOST_STOPS = 5
MOST_CANDIDATES = 8
MOST_LOGPROBS = 20


def _is_count(most: int) -> can.Test:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
        "temperature": _is_number,
        "top_p": _is_number,
        "top_k": _is_number,
        "seed": lambda value: isinstance(value, int),
        "presence_penalty": _is_number,
        "frequency_penalty": _is_number,
        "n": _is_count(MOST_CANDIDATES),
        "logprobs": lambda value: isinstance(value, bool),
        "top_logprobs": _is_count(MOST_LOGPROBS),
        "tool_choice": can.is_tool_choice,
        "parallel_tool_calls": can.one_of(True),
        "response_format": can.is_response_format,
        "reasoning_effort": can.one_of(*LEVELS),
        "service_tier": can.one_of("auto", "default", "flex", "priority"),
        "verbosity": can.one_of("medium"),
        "modalities": can.one_of(["text"]),
        "logit_bias": can.falsy,
        "store": can.falsy,
        "metadata": can.falsy,
        "functions": can.falsy,
        "user": can.anything,  # names for abuse reports and caches: they change no answer
        "safety_identifier": can.anything,
        "prompt_cache_key": can.anything,
        "prompt_cache_retention": can.anything,
    }
)
"""OpenAI's field to the values of it that can be said; a field that is not here cannot."""

EMBEDDING_FIELDS: Mapping[str, can.Test] = MappingProxyType(
    {
        "model": can.anything,
        "input": lambda value: bool(texts(value)),
        "dimensions": lambda value: isinstance(value, int),
        "encoding_format": can.one_of("float", "base64"),
        "user": can.anything,
    }
)

SPOKEN = frozenset({"role", "content", "cache_control"})
ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "system": SPOKEN,
        "developer": SPOKEN,
        "user": SPOKEN,
        "assistant": SPOKEN
        | {"tool_calls", "refusal", "extra_content", "annotations"}
        | {"reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"},
        "tool": SPOKEN | {"tool_call_id", "name", "is_error"},
    }
)
"""The last line of the assistant's are parts of an answer that only the provider who wrote them would read."""
DETAILS = (None, "auto", "high", "original")
SOUNDS = ("wav", "mp3")


def unexpressed(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of a chat request that Gemini has no words for."""
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
    check = MEDIA.get(kind) if role == "user" and isinstance(kind, str) else None
    if check is None or not isinstance(kind, str):
        return "type"
    held = part.get(kind)
    return check(held) if isinstance(held, dict) else kind


def _image(image: Mapping[str, Any]) -> str | None:
    url = image.get("url")
    if not isinstance(url, str) or (url.startswith("data:") and can.data_url(url) is None):
        return "image_url.url"
    return None if image.get("detail") in DETAILS else "image_url.detail"


def _file(file: Mapping[str, Any]) -> str | None:
    if can.data_url(file.get("file_data")) is not None:
        return None
    return "file.file_data" if file.get("file_data") else "file.file_id"


def _audio(audio: Mapping[str, Any]) -> str | None:
    if not isinstance(audio.get("data"), str):
        return "input_audio.data"
    return None if audio.get("format") in SOUNDS else "input_audio.format"


MEDIA = {"image_url": _image, "file": _file, "input_audio": _audio}


def texts(given: object) -> list[str]:
    """The inputs of an embeddings request; empty where they are not text."""
    if isinstance(given, str):
        return [given]
    whole = isinstance(given, list) and all(isinstance(each, str) for each in given)
    return list(given) if whole and isinstance(given, list) else []
