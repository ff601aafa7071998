"""What Converse can be asked for in OpenAI's words, and what it cannot."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects import expressible as can

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TIERS: Mapping[str, str | None] = MappingProxyType(
    {"auto": None, "default": "default", "flex": "flex", "priority": "priority"}
)
LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.\-]{0,256}")
IMAGES: Mapping[str, str] = MappingProxyType({f"image/{kind}": kind for kind in ("png", "jpeg", "gif", "webp")})
AUDIO = frozenset({"mp3", "wav", "opus", "aac", "flac", "ogg", "m4a", "webm"})
OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "application/pdf": "pdf",
        "text/plain": "txt",
        "text/csv": "csv",
        "text/html": "html",
        "text/markdown": "md",
        "application/msword": "doc",
        "application/vnd.ms-excel": "xls",
        OFFICE + "wordprocessingml.document": "docx",
        OFFICE + "spreadsheetml.sheet": "xlsx",
    }
)


def _is_label(value: object) -> bool:
    return isinstance(value, str) and LABEL.fullmatch(value) is not None


def _are_labels(value: object) -> bool:
    return (
        isinstance(value, dict) and len(value) <= 16 and all(_is_label(part) for pair in value.items() for part in pair)
    )


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
        "parallel_tool_calls": can.one_of(True),
        "response_format": can.is_response_format,
        "reasoning_effort": can.one_of(*EFFORTS),
        "service_tier": lambda value: isinstance(value, str) and value in TIERS,
        "user": _is_label,
        "safety_identifier": _is_label,
        "metadata": _are_labels,
        "cache_control": lambda value: isinstance(value, dict),
        "verbosity": can.one_of("medium"),
        "modalities": can.one_of(["text"]),
        "n": can.one_of(1),
        "logprobs": can.falsy,
        "logit_bias": can.falsy,
        "presence_penalty": can.falsy,
        "frequency_penalty": can.falsy,
        "store": can.falsy,
        "functions": can.falsy,
        "prompt_cache_key": can.anything,  # a hint where to look for a cache: it changes no answer
        "prompt_cache_retention": can.anything,
    }
)
"""OpenAI's field to the values of it that can be said; a field that is not here cannot."""

EMBEDDING_FIELDS: Mapping[str, can.Test] = MappingProxyType(
    {
        "model": can.anything,
        "input": lambda value: isinstance(value, str) or _are_texts(value),
        "dimensions": can.anything,
        "encoding_format": can.one_of("float", "base64"),
        "input_type": lambda value: isinstance(value, str),
        "user": can.falsy,
    }
)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


SPOKEN = frozenset({"role", "content", "cache_control"})
ECHOED = frozenset({"reasoning_content", "reasoning", "reasoning_details", "annotations"})
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


def unexpressed(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that Converse has no words for."""
    messages = payload.get("messages")
    forbidden = ("tool_choice",) if payload.get("tool_choice") == "none" and speaks_of_tools(messages) else ()
    return (
        *can.unexpressed(payload, FIELDS),
        *forbidden,
        *can.unexpressed_messages(messages, ROLES, unexpressed_part),
        *can.unexpressed_tools(payload.get("tools")),
    )


def speaks_of_tools(messages: object) -> bool:
    """Tools were called before: Converse then wants them declared, and a declared tool cannot be forbidden."""
    each = messages if isinstance(messages, list) else ()
    return any(isinstance(one, dict) and (one.get("role") == "tool" or one.get("tool_calls")) for one in each)


def unexpressed_part(role: str, part: Mapping[str, Any]) -> str | None:
    """Which place of a content part cannot be said by this role."""
    kind = part.get("type")
    if kind == "text" or (kind == "refusal" and role == "assistant"):
        return None if isinstance(part.get(kind), str) else kind
    test = PARTS.get(kind) if isinstance(kind, str) and role in SEEING else None
    if test is None or (role == "tool" and kind == "input_audio"):
        return "type"
    given = part.get(str(kind))
    return test(given) if isinstance(given, dict) else str(kind)


def _image(image: Mapping[str, Any]) -> str | None:
    inline = can.data_url(image.get("url"))
    return None if inline is not None and inline[0] in IMAGES else "image_url.url"


def _audio(audio: Mapping[str, Any]) -> str | None:
    return None if isinstance(audio.get("data"), str) and str(audio.get("format")) in AUDIO else "input_audio.format"


def _file(file: Mapping[str, Any]) -> str | None:
    inline = can.data_url(file.get("file_data"))
    if inline is not None and inline[0] in DOCUMENTS:
        return None
    return "file.file_data" if file.get("file_data") else "file.file_id"


PARTS: Mapping[object, Any] = MappingProxyType({"image_url": _image, "input_audio": _audio, "file": _file})
