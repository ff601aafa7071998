"""Turn OpenAI's messages into Anthropic's system blocks and alternating turns."""

import binascii
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects.anthropic.expressible import unexpressed_part
from gateway.dialects.expressible import data_url, is_function_call
from gateway.dialects.failures import read_json

Block = dict[str, Any]
SYSTEM = ("system", "developer")


def turns(messages: object) -> tuple[list[Block], list[Block]]:
    """System blocks, and turns in which neighbours of the same role have become one."""
    system: list[Block] = []
    spoken: list[Block] = []
    for message in messages if isinstance(messages, list) else ():
        role = message.get("role") if isinstance(message, dict) else None
        if role in SYSTEM:
            system += _marked(_parts("system", message.get("content")), message)
        elif isinstance(role, str) and role in SPEAKERS:
            speaker, say = SPEAKERS[role]
            blocks = _marked(say(message), message)
            if not blocks:
                continue  # an empty turn is refused by the provider and says nothing
            if spoken and spoken[-1]["role"] == speaker:
                spoken[-1]["content"] += blocks
            else:
                spoken.append({"role": speaker, "content": blocks})
    return system, spoken


def _marked(blocks: list[Block], message: Mapping[str, Any]) -> list[Block]:
    mark = message.get("cache_control")
    if blocks and isinstance(mark, dict):
        blocks[-1] = {**blocks[-1], "cache_control": mark}
    return blocks


def _user(message: Mapping[str, Any]) -> list[Block]:
    return _parts("user", message.get("content"))


def _assistant(message: Mapping[str, Any]) -> list[Block]:
    thoughts = message.get("thinking_blocks")
    blocks = [dict(block) for block in thoughts if _is_signed(block)] if isinstance(thoughts, list) else []
    blocks += _parts("assistant", message.get("content"))
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        blocks.append({"type": "text", "text": refusal})
    calls = message.get("tool_calls")
    return blocks + [_tool_use(call) for call in (calls if isinstance(calls, list) else ()) if is_function_call(call)]


def is_thought(block: object) -> bool:
    """Reasoning as the provider signed it: it must go back unchanged."""
    return isinstance(block, dict) and block.get("type") in ("thinking", "redacted_thinking")


def _is_signed(block: object) -> bool:
    """A thought without a signature is another provider's: it would be refused, and is no part of what was said."""
    return is_thought(block) and isinstance(block, dict) and bool(block.get("signature") or block.get("data"))


def _tool_use(call: Mapping[str, Any]) -> Block:
    function = call["function"]
    block = {"type": "tool_use", "id": call.get("id") or "", "name": function["name"]}
    return _copy_mark(call, block | {"input": arguments(function.get("arguments"))})


def arguments(text: object) -> dict[str, Any]:
    """Tool arguments as an object; what is not one is kept as text, for the model to see its own mistake."""
    if not isinstance(text, str) or not text.strip():
        return {}
    read = read_json(text.encode("utf-8", "surrogatepass"))
    return read if isinstance(read, dict) else {"arguments": text}


def _tool(message: Mapping[str, Any]) -> list[Block]:
    content = message.get("content")
    block: Block = {"type": "tool_result", "tool_use_id": message.get("tool_call_id") or ""}
    if isinstance(content, str):
        block["content"] = content
    elif parts := _parts("tool", content):
        block["content"] = parts
    if message.get("is_error") is True:
        block["is_error"] = True
    return [block]


SPEAKERS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], list[Block]]]] = MappingProxyType(
    {"user": ("user", _user), "assistant": ("assistant", _assistant), "tool": ("user", _tool)}
)


def _parts(role: str, content: object) -> list[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(_blocks(role, content)) if isinstance(content, list) else []


def _blocks(role: str, parts: list[Any]) -> Iterator[Block]:
    for part in parts:
        if not isinstance(part, dict) or unexpressed_part(role, part) is not None:
            continue
        kind = part["type"]
        if kind == "image_url":
            yield _copy_mark(part, {"type": "image", "source": _image_source(part["image_url"]["url"])})
        elif kind == "file":
            yield _copy_mark(part, _document(part["file"]))
        elif part[kind]:  # empty text is refused by the provider and says nothing
            yield _copy_mark(part, {"type": "text", "text": part[kind]})


def _copy_mark(part: Mapping[str, Any], block: Block) -> Block:
    mark = part.get("cache_control")
    return block | {"cache_control": mark} if isinstance(mark, dict) else block


def _image_source(url: str) -> Block:
    inline = data_url(url)
    if inline is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": inline[0], "data": inline[1]}


def _document(file: Mapping[str, Any]) -> Block:
    media, data = data_url(file["file_data"]) or ("", "")
    source = {"type": "base64", "media_type": media, "data": data}
    if media == "text/plain":
        source = {"type": "text", "media_type": media, "data": _decoded(data)}
    block: Block = {"type": "document", "source": source}
    if isinstance(name := file.get("filename"), str) and name:
        block["title"] = name
    return block


def _decoded(data: str) -> str:
    try:
        return binascii.a2b_base64(data.encode()).decode("utf-8", "replace")
    except (binascii.Error, UnicodeEncodeError):
        return ""
