"""Anthropic's turns become OpenAI's messages: results of tools first, then what was said."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.inbound.checks import optional, refused, required, typed

Part = dict[str, Any]


def messages_of(turns: list[Any]) -> list[dict[str, Any]]:
    """Every turn in order; one turn may become several messages."""
    messages: list[dict[str, Any]] = []
    for index, turn in enumerate(turns):
        place = f"messages[{index}]"
        fields = typed(turn, dict, place)
        role = required(fields, "role", str, place)
        content = fields.get("content")
        if role not in SAY:
            raise refused(f"{place}.role", "must be user, assistant or system")
        if isinstance(content, str):
            messages.append({"role": role, "content": content})
        else:
            messages += SAY[role](required(fields, "content", list, place), f"{place}.content")
    return messages


def text_parts(blocks: list[Any], place: str) -> list[Part]:
    """Blocks that can only be text."""
    parts = []
    for index, block in enumerate(blocks):
        here = f"{place}[{index}]"
        fields = typed(block, dict, here)
        if fields.get("type") != "text":
            raise refused(f"{here}.type", "must be text")
        parts.append(_text(fields, here))
    return parts


def _system(blocks: list[Any], place: str) -> list[dict[str, Any]]:
    return [{"role": "system", "content": text_parts(blocks, place)}]


def _user(blocks: list[Any], place: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    parts: list[Part] = []
    for index, block in enumerate(blocks):
        here = f"{place}[{index}]"
        fields = typed(block, dict, here)
        if fields.get("type") == "tool_result":
            results.append(_result(fields, here))
        else:
            parts += _parts(fields, here)
    return [*results, {"role": "user", "content": parts}] if parts or not results else results


def _result(block: Mapping[str, Any], place: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "tool", "tool_call_id": required(block, "tool_use_id", str, place)}
    content = block.get("content")
    if content is None or isinstance(content, str):
        message["content"] = content or ""
    else:
        inner = typed(content, list, f"{place}.content")
        message["content"] = [part for at, each in enumerate(inner) for part in _inner(each, f"{place}.content[{at}]")]
    if block.get("is_error") is True:
        message["is_error"] = True
    mark = optional(block, "cache_control", dict, place)
    return message | {"cache_control": mark} if mark else message


def _inner(block: object, place: str) -> list[Part]:
    return _parts(typed(block, dict, place), place)


def _parts(block: Mapping[str, Any], place: str) -> list[Part]:
    kind = required(block, "type", str, place)
    if kind == "text":
        return [_text(block, place)]
    if kind == "image":
        source = required(block, "source", dict, place)
        return [_marked(block, {"type": "image_url", "image_url": {"url": _image_url(source, f"{place}.source")}})]
    if kind == "document":
        return _document(block, place)
    raise refused(f"{place}.type", f"`{kind}` has no counterpart in a chat completion")


def _text(block: Mapping[str, Any], place: str) -> Part:
    return _marked(block, {"type": "text", "text": required(block, "text", str, place)})


def _marked(block: Mapping[str, Any], part: Part) -> Part:
    mark = block.get("cache_control")
    return part | {"cache_control": mark} if isinstance(mark, dict) else part


def _image_url(source: Mapping[str, Any], place: str) -> str:
    kind = required(source, "type", str, place)
    if kind == "url":
        return required(source, "url", str, place)
    if kind == "base64":
        return f"data:{required(source, 'media_type', str, place)};base64,{required(source, 'data', str, place)}"
    raise refused(f"{place}.type", "must be base64 or url")


def _document(block: Mapping[str, Any], place: str) -> list[Part]:
    source = required(block, "source", dict, place)
    place = f"{place}.source"
    kind = required(source, "type", str, place)
    title = block.get("title")
    if kind == "base64":
        data = f"data:{required(source, 'media_type', str, place)};base64,{required(source, 'data', str, place)}"
        name = title if isinstance(title, str) and title else "document.pdf"
        return [_marked(block, {"type": "file", "file": {"filename": name, "file_data": data}})]
    if kind == "text":
        text = required(source, "data", str, place)
        headed = f"{title}\n\n{text}" if isinstance(title, str) and title else text
        return [_marked(block, {"type": "text", "text": headed})]
    if kind == "content":
        content = source.get("content")
        if isinstance(content, str):
            return [_marked(block, {"type": "text", "text": content})]
        return text_parts(required(source, "content", list, place), f"{place}.content")
    raise refused(f"{place}.type", "must be base64, text or content")


def _assistant(blocks: list[Any], place: str) -> list[dict[str, Any]]:
    parts: list[Part] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    for index, block in enumerate(blocks):
        here = f"{place}[{index}]"
        fields = typed(block, dict, here)
        kind = required(fields, "type", str, here)
        if kind == "text":
            parts.append(_text(fields, here))
        elif kind == "tool_use":
            calls.append(_call(fields, here))
        elif kind == "redacted_thinking" or (kind == "thinking" and fields.get("signature")):
            thoughts.append(fields)
        elif kind != "thinking":  # a thought without a signature was none of Anthropic's: nobody could check it
            raise refused(f"{here}.type", f"`{kind}` has no counterpart in a chat completion")
    message: dict[str, Any] = {"role": "assistant", "content": _plain(parts) if parts or not calls else None}
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        message["thinking_blocks"] = thoughts
    return [message]


def _plain(parts: list[Part]) -> str | list[Part]:
    """A string where nothing but text would be lost: every provider reads that."""
    if any("cache_control" in part for part in parts):
        return parts
    return "".join(part["text"] for part in parts)


def _call(block: Mapping[str, Any], place: str) -> dict[str, Any]:
    given = optional(block, "input", dict, place) or {}
    function = {"name": required(block, "name", str, place), "arguments": msgspec.json.encode(given).decode()}
    call = {"id": required(block, "id", str, place), "type": "function", "function": function}
    return _marked(block, call)


SAY = {"user": _user, "assistant": _assistant, "system": _system}
