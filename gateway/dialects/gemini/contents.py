"""Turn OpenAI's messages into Gemini's contents."""

import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.expressible import data_url, is_function_call
from gateway.dialects.failures import read_json
from gateway.dialects.gemini.expressible import unexpressed_part

Part = dict[str, Any]
SYSTEM = ("system", "developer")
UNSIGNED = "skip_thought_signature_validator"
"""Google's word for calls that were made elsewhere: newer models refuse a call without a signature."""


def contents(messages: object, *, signed: bool) -> tuple[list[Part], list[Part]]:
    """Parts of the system instruction, and contents in which neighbours of the same role have become one."""
    system: list[Part] = []
    spoken: list[Part] = []
    names: dict[str, str] = {}
    for message in messages if isinstance(messages, list) else ():
        role = message.get("role") if isinstance(message, dict) else None
        if role in SYSTEM:
            system += _parts("system", message.get("content"))
            continue
        if role == "assistant":
            speaker, parts = "model", _assistant(message, names, signed=signed)
        elif role == "tool":
            speaker, parts = "user", [_result(message, names)]
        else:
            speaker, parts = "user", _parts("user", message.get("content")) if role == "user" else []
        if parts and spoken and spoken[-1]["role"] == speaker:
            spoken[-1]["parts"] += parts
        elif parts:
            spoken.append({"role": speaker, "parts": parts})
    return system, spoken


def _assistant(message: Mapping[str, Any], names: dict[str, str], *, signed: bool) -> list[Part]:
    parts = _parts("assistant", message.get("content"))
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        parts.append({"text": refusal})
    signature = signature_of(message)
    if parts and signature:
        parts[-1] = parts[-1] | {"thoughtSignature": signature}
    given = message.get("tool_calls")
    calls = [call for call in given if is_function_call(call)] if isinstance(given, list) else []
    for place, call in enumerate(calls):
        part = _call(call)
        if isinstance(identity := call.get("id"), str):
            names[identity] = part["functionCall"]["name"]
        if signed and place == 0 and "thoughtSignature" not in part:
            part["thoughtSignature"] = UNSIGNED
        parts.append(part)
    return parts


def signature_of(holder: Mapping[str, Any]) -> str | None:
    """The thought signature, in the place where Google's own OpenAI endpoint puts it."""
    extra = holder.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) and signature else None


def _call(call: Mapping[str, Any]) -> Part:
    function = call["function"]
    wire = {"name": function["name"], "args": _arguments(function.get("arguments"))}
    if isinstance(call.get("id"), str) and call["id"]:
        wire["id"] = call["id"]
    part: Part = {"functionCall": wire}
    if signature := signature_of(call):
        part["thoughtSignature"] = signature
    return part


def _arguments(text: object) -> dict[str, Any]:
    """An object; what is not one is kept as text, for the model to see its own mistake."""
    if not isinstance(text, str) or not text.strip():
        return {}
    read = read_json(text.encode("utf-8", "surrogatepass"))
    return read if isinstance(read, dict) else {"arguments": text}


def _result(message: Mapping[str, Any], names: Mapping[str, str]) -> Part:
    """Google asks for the function's name, which OpenAI only says in the call."""
    identity = message.get("tool_call_id")
    known = names.get(identity) if isinstance(identity, str) else None
    given = message.get("name")
    text = "".join(part["text"] for part in _parts("tool", message.get("content")))
    key = "error" if message.get("is_error") is True else "output"
    wire = {"name": known or (given if isinstance(given, str) and given else "unknown"), "response": {key: text}}
    if isinstance(identity, str) and identity:
        wire["id"] = identity
    return {"functionResponse": wire}


def _parts(role: str, content: object) -> list[Part]:
    if isinstance(content, str):
        return [{"text": content}] if content else []
    return list(_said(role, content)) if isinstance(content, list) else []


def _said(role: str, parts: list[Any]) -> Iterator[Part]:
    for part in parts:
        if not isinstance(part, dict) or unexpressed_part(role, part) is not None:
            continue
        kind = part["type"]
        if kind == "image_url":
            yield _medium(part["image_url"]["url"])
        elif kind == "file":
            yield _medium(part["file"]["file_data"])
        elif kind == "input_audio":
            sound = part["input_audio"]
            yield {"inlineData": {"mimeType": f"audio/{sound['format']}", "data": sound["data"]}}
        elif part[kind]:
            yield {"text": part[kind]}


def _medium(url: str) -> Part:
    inline = data_url(url)
    if inline is not None:
        return {"inlineData": {"mimeType": inline[0], "data": inline[1]}}
    media = mimetypes.guess_type(url.partition("?")[0])[0]
    return {"fileData": {"fileUri": url} | ({"mimeType": media} if media else {})}
