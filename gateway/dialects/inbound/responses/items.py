"""Input items become OpenAI's messages: a call joins the message it belongs to."""

import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.anthropic.turns import is_thought
from gateway.dialects.failures import read_json
from gateway.dialects.inbound.checks import optional, refused, required, typed

SEALED = "th1."
"""Begins the reasoning that we sealed ourselves: signed thoughts of the provider that wrote them."""
ROLES = frozenset({"user", "assistant", "system", "developer"})


def messages_of(items: list[Any]) -> list[dict[str, Any]]:
    """Every item in order."""
    messages: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        place = f"input[{index}]"
        fields = typed(item, dict, place)
        kind = fields.get("type") or ("message" if "role" in fields else None)
        if kind == "message":
            message = _message(fields, place)
            messages.append(_thinking(message, thoughts) if message["role"] == "assistant" else message)
        elif kind == "function_call":
            _join(messages, _call(fields, place), thoughts)
        elif kind == "function_call_output":
            messages.append(_output(fields, place))
        elif kind == "reasoning":
            thoughts += unsealed(fields.get("encrypted_content"))
        else:
            raise refused(f"{place}.type", "must be message, function_call, function_call_output or reasoning")
    return messages


def _thinking(message: dict[str, Any], thoughts: list[dict[str, Any]]) -> dict[str, Any]:
    """Thoughts stand before what they led to."""
    if thoughts:
        message["thinking_blocks"] = list(thoughts)
        thoughts.clear()
    return message


def _message(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    role = required(item, "role", str, place)
    if role not in ROLES:
        raise refused(f"{place}.role", "must be user, assistant, system or developer")
    content = item.get("content")
    if isinstance(content, str):
        return {"role": role, "content": content}
    parts = _parts(required(item, "content", list, place), f"{place}.content")
    if role == "assistant" and all(part["type"] == "text" for part in parts):
        return {"role": role, "content": "".join(part["text"] for part in parts)}
    return {"role": role, "content": parts}


def _parts(parts: list[Any], place: str) -> list[dict[str, Any]]:
    return [_part(typed(part, dict, f"{place}[{index}]"), f"{place}[{index}]") for index, part in enumerate(parts)]


def _part(part: Mapping[str, Any], place: str) -> dict[str, Any]:
    kind = required(part, "type", str, place)
    if kind in {"input_text", "output_text", "text"}:
        return {"type": "text", "text": required(part, "text", str, place)}
    if kind == "refusal":
        return {"type": "refusal", "refusal": required(part, "refusal", str, place)}
    if kind == "input_image":
        image = {"url": required(part, "image_url", str, place)}
        detail = optional(part, "detail", str, place)
        return {"type": "image_url", "image_url": image | ({"detail": detail} if detail else {})}
    if kind == "input_file":
        if part.get("file_url") is not None:
            raise refused(f"{place}.file_url", "is not supported: send `file_data`")
        names = ("filename", "file_data", "file_id")
        return {"type": "file", "file": {name: part[name] for name in names if part.get(name) is not None}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": required(part, "input_audio", dict, place)}
    raise refused(f"{place}.type", f"`{kind}` has no counterpart in a chat completion")


def _call(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    function = {name: required(item, name, str, place) for name in ("name", "arguments")}
    return {"id": required(item, "call_id", str, place), "type": "function", "function": function}


def _join(messages: list[dict[str, Any]], call: dict[str, Any], thoughts: list[dict[str, Any]]) -> None:
    if not messages or messages[-1]["role"] != "assistant" or thoughts:
        messages.append(_thinking({"role": "assistant", "content": None}, thoughts))
    messages[-1].setdefault("tool_calls", []).append(call)


def _output(item: Mapping[str, Any], place: str) -> dict[str, Any]:
    output = item.get("output")
    content = output if isinstance(output, str) else _parts(required(item, "output", list, place), f"{place}.output")
    return {"role": "tool", "tool_call_id": required(item, "call_id", str, place), "content": content}


def sealed(thoughts: list[dict[str, Any]]) -> str:
    """Thoughts as the opaque text that a caller carries back to us."""
    return SEALED + binascii.b2a_base64(msgspec.json.encode(thoughts), newline=False).decode()


def unsealed(text: object) -> list[dict[str, Any]]:
    """What `sealed` put away; reasoning that others sealed is theirs alone to read."""
    if not isinstance(text, str) or not text.startswith(SEALED):
        return []
    try:
        thoughts = read_json(binascii.a2b_base64(text[len(SEALED) :].encode()))
    except (binascii.Error, UnicodeEncodeError):
        return []
    return [thought for thought in thoughts if is_thought(thought)] if isinstance(thoughts, list) else []
