"""The caller's payload as one host wants it: its model id, its names for fields, nothing invented, nulls left out."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.openai.models import MODEL_FIELDS, refused_by
from gateway.dialects.openai.quirks import AS_WRITTEN, Quirks
from gateway.domain.ask import Ask

ENCODE = msgspec.json.Encoder().encode
INCLUDE_USAGE = {"include_usage": True}
BOUNDS = ("max_completion_tokens", "max_tokens")

PLAIN_ROLES = ("system", "user", "assistant")
"""Every host knows them."""

HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "parallel_tool_calls": (True,),
    "store": (False,),
    "tool_choice": ("auto",),
    "encoding_format": ("float",),
    "frequency_penalty": (0, 0.0),
    "presence_penalty": (0, 0.0),
    "modalities": (["text"],),
    "service_tier": ("auto",),
    "best_of": (1,),
    "echo": (False,),
    "logit_bias": ({},),
    "tools": ([],),
    "stop": ([],),
}
"""Values that say what a host without the field does anyway."""


def body_of(ask: Ask, model: str, quirks: Quirks) -> bytes:
    """The wire body."""
    said = ask.payload
    if quirks is AS_WRITTEN and said.get("model") == model and not ask.stream and None not in said.values():
        return ENCODE(said)
    payload = {**said, "model": model}
    if None in payload.values():
        payload = {name: value for name, value in payload.items() if value is not None}
    if ask.stream:
        _ask_for_usage(payload, ask, quirks)
    if quirks is not AS_WRITTEN:
        _leave_out(payload, ask, quirks, model)
        _bend(payload, ask, quirks)
    return ENCODE(payload)


def _ask_for_usage(payload: dict[str, Any], ask: Ask, quirks: Quirks) -> None:
    payload["stream"] = True
    if not quirks.stream_options:
        payload.pop("stream_options", None)
        return
    said = ask.payload.get("stream_options")
    payload["stream_options"] = said | INCLUDE_USAGE if isinstance(said, dict) else INCLUDE_USAGE


def _rename_bound(payload: dict[str, Any], known: str) -> None:
    """The host knows one name; the newer one wins where both were said."""
    for name in BOUNDS:
        if name in payload and name != known:
            value = payload.pop(name)
            if known not in payload or name == "max_completion_tokens":
                payload[known] = value


def refused(payload: Mapping[str, Any], quirks: Quirks) -> list[str]:
    """Fields of the payload that the host cannot express, and whose value matters."""
    if quirks.refused_names.isdisjoint(payload):
        return []
    found = []
    for rule in quirks.refuse_fields:
        name, _, value = rule.partition("=")
        if name in payload and _matters(name, payload[name], value):
            found.append(name)
    return sorted(set(found))


def _matters(name: str, given: Any, value: str) -> bool:
    if given is None or given in HARMLESS.get(name, ()):
        return False
    if not value:
        return True
    return given == value or (isinstance(given, dict) and given.get("type") == value)


def unheard(messages: Any, quirks: Quirks) -> list[str]:
    """Paths of messages and content parts that the host has no place for."""
    found = []
    for index, message in enumerate(_list(messages)):
        if not isinstance(message, dict):
            continue
        if "tool_results" in quirks.lacks and message.get("role") == "tool":
            found.append(f"messages[{index}].role")
        content = message.get("content")
        for place, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict) and part.get("type") in quirks.unheard:
                found.append(f"messages[{index}].content[{place}].type")
    return found


def _heard(messages: Any, quirks: Quirks) -> list[Any]:
    """The messages without what the host has no place for."""
    kept, deaf = [], quirks.unheard
    for message in _list(messages):
        if isinstance(message, dict) and message.get("role") == "tool" and "tool_results" in quirks.lacks:
            continue
        if isinstance(message, dict) and isinstance(message.get("content"), list):
            parts = [p for p in message["content"] if not (isinstance(p, dict) and p.get("type") in deaf)]
            message = message if len(parts) == len(message["content"]) else message | {"content": parts}
        kept.append(message)
    return kept


def _leave_out(payload: dict[str, Any], ask: Ask, quirks: Quirks, model: str) -> None:
    """What the host or the model would refuse, and labels that it chokes on."""
    if quirks.max_tokens_field and ask.endpoint == "chat":
        _rename_bound(payload, quirks.max_tokens_field)
    if not quirks.refused_names.isdisjoint(payload):
        for name in (*refused(payload, quirks), *quirks.refuse_fields):
            payload.pop(name, None)
    if quirks.own_models and not MODEL_FIELDS.isdisjoint(payload):
        for name in refused_by(payload, model):
            del payload[name]
    for name in quirks.drop_fields:
        payload.pop(name, None)


def _bend(payload: dict[str, Any], ask: Ask, quirks: Quirks) -> None:
    """What the host says otherwise."""
    for old, new in quirks.rename_fields:
        if old in payload:
            payload[new] = payload.pop(old)
    if ((quirks.lacks and ask.features) or "tool_results" in quirks.lacks) and ask.endpoint == "chat":
        payload["messages"] = _heard(payload.get("messages"), quirks)
    if quirks.bends_messages and ask.endpoint == "chat":
        payload["messages"] = [_bent(message, quirks) for message in _list(payload.get("messages"))]
        if not quirks.cache_markers and "tools" in payload:
            payload["tools"] = [_unmarked(tool) for tool in _list(payload["tools"])]
    if ask.endpoint == "embeddings" and payload.get("encoding_format", "float") not in quirks.embedding_formats:
        payload["encoding_format"] = min(quirks.embedding_formats)
        if quirks.embedding_formats == {"float"}:
            del payload["encoding_format"]


def _list(value: Any) -> list[Any]:
    plain = msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
    return plain if isinstance(plain, list) else []


def _bent(message: Any, quirks: Quirks) -> Any:
    if not isinstance(message, dict):
        return message
    if len(message) == 2 and message.get("role") in PLAIN_ROLES and isinstance(message.get("content"), str):
        return message
    if not quirks.developer_role and message.get("role") == "developer":
        message = message | {"role": "system"}
    if not quirks.cache_markers:
        message = _unmarked(message)
        for name in ("content", "tool_calls"):
            if isinstance(message.get(name), list):
                message = message | {name: [_unmarked(part) for part in message[name]]}
    if not quirks.drop_message_fields:
        return message
    if isinstance(message.get("tool_calls"), list):
        message = message | {
            "tool_calls": [_without(call, quirks.drop_message_fields) for call in message["tool_calls"]]
        }
    return _without(message, quirks.drop_message_fields)


def _without(place: Any, names: frozenset[str]) -> Any:
    if not isinstance(place, dict) or names.isdisjoint(place):
        return place
    return {name: value for name, value in place.items() if name not in names}


def _unmarked(place: Any) -> Any:
    if not isinstance(place, dict) or "cache_control" not in place:
        return place
    return {name: value for name, value in place.items() if name != "cache_control"}
