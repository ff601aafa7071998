"""Turn OpenAI's messages into Converse's system blocks and alternating turns."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects.bedrock.expressible import DOCUMENTS, IMAGES, unexpressed_part
from gateway.dialects.expressible import data_url, is_function_call
from gateway.dialects.failures import read_json

Block = dict[str, Any]
SYSTEM = ("system", "developer")
LIFETIMES = ("5m", "1h")
NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_.:\-]")
NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9\s\-()\[\]]+|\s{2,}")


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


def cache_point(marked: Mapping[str, Any]) -> list[Block]:
    """The block that follows what is to be cached; none where there is no `cache_control`."""
    mark = marked.get("cache_control")
    if not isinstance(mark, dict):
        return []
    point = {"type": "default"}
    if mark.get("ttl") in LIFETIMES:
        point["ttl"] = mark["ttl"]
    return [{"cachePoint": point}]


def tool_id(given: object) -> str:
    """An id that Converse accepts; the same id always becomes the same."""
    return NOT_IN_IDS.sub("_", given)[:64] if isinstance(given, str) and given else "call"


def _marked(blocks: list[Block], message: Mapping[str, Any]) -> list[Block]:
    return blocks + cache_point(message) if blocks else blocks


def _user(message: Mapping[str, Any]) -> list[Block]:
    return _parts("user", message.get("content"))


def _assistant(message: Mapping[str, Any]) -> list[Block]:
    thoughts = message.get("thinking_blocks")
    blocks = [block for thought in thoughts for block in _thought(thought)] if isinstance(thoughts, list) else []
    blocks += _parts("assistant", message.get("content"))
    if isinstance(refusal := message.get("refusal"), str) and refusal.strip():
        blocks.append({"text": refusal})
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if is_function_call(call):
            blocks += [{"toolUse": _tool_use(call)}, *cache_point(call)]
    return blocks


def _thought(thought: object) -> Iterator[Block]:
    """Reasoning as the model signed it: it must go back unchanged."""
    if not isinstance(thought, dict):
        return
    if isinstance(thought.get("data"), str):
        yield {"reasoningContent": {"redactedContent": thought["data"]}}
    elif isinstance(thought.get("thinking"), str):
        text = {"text": thought["thinking"]}
        if isinstance(thought.get("signature"), str):
            text["signature"] = thought["signature"]
        yield {"reasoningContent": {"reasoningText": text}}


def _tool_use(call: Mapping[str, Any]) -> Block:
    function = call["function"]
    return {"toolUseId": tool_id(call.get("id")), "name": function["name"], "input": _input(function.get("arguments"))}


def _input(text: object) -> dict[str, Any]:
    """Tool arguments as an object; what is not one is kept as text, for the model to see its own mistake."""
    if not isinstance(text, str) or not text.strip():
        return {}
    read = read_json(text.encode("utf-8", "surrogatepass"))
    return read if isinstance(read, dict) else {"arguments": text}


def _tool(message: Mapping[str, Any]) -> list[Block]:
    points = [part for part in _parts("tool", message.get("content")) if "cachePoint" in part]
    content = [part for part in _parts("tool", message.get("content")) if "cachePoint" not in part]
    result: Block = {"toolUseId": tool_id(message.get("tool_call_id")), "content": content}
    if message.get("is_error") is True:
        result["status"] = "error"
    return [{"toolResult": result}, *points[:1]]


SPEAKERS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], list[Block]]]] = MappingProxyType(
    {"user": ("user", _user), "assistant": ("assistant", _assistant), "tool": ("user", _tool)}
)


def _parts(role: str, content: object) -> list[Block]:
    if isinstance(content, str):
        return [{"text": content}] if content.strip() else []
    return [block for part in content for block in _block(role, part)] if isinstance(content, list) else []


def _block(role: str, part: Any) -> Iterator[Block]:
    if not isinstance(part, dict) or unexpressed_part(role, part) is not None:
        return
    kind = part["type"]
    if kind in MEDIA:
        yield MEDIA[kind](part[kind])
    elif part[kind].strip():  # blank text is refused by the provider and says nothing
        yield {"text": part[kind]}
    else:
        return
    yield from cache_point(part)


def _image(image: Mapping[str, Any]) -> Block:
    media, data = data_url(image["url"]) or ("", "")
    return {"image": {"format": IMAGES[media], "source": {"bytes": data}}}


def _audio(audio: Mapping[str, Any]) -> Block:
    return {"audio": {"format": audio["format"], "source": {"bytes": audio["data"]}}}


def _document(file: Mapping[str, Any]) -> Block:
    media, data = data_url(file["file_data"]) or ("", "")
    name = file.get("filename")
    stem = name.rpartition(".")[0] or name if isinstance(name, str) else ""
    plain = NOT_IN_NAMES.sub(" ", stem).strip()[:200] or "document"
    return {"document": {"format": DOCUMENTS[media], "name": plain, "source": {"bytes": data}}}


MEDIA: Mapping[str, Callable[[Mapping[str, Any]], Block]] = MappingProxyType(
    {"image_url": _image, "input_audio": _audio, "file": _document}
)
