"""A chat completions body becomes an ask: what we read is checked, the rest is carried as it came."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.unsayable import PLAIN_ROLES
from gateway.routing.estimate import COUNTED, conversation_tokens, input_tokens
from gateway.web.fields import (
    CHECKED,
    CONTROL_FIELDS,
    MAX_TOKENS,
    RANGES,
    check_control_fields,
    check_count,
    check_ranges,
    check_side_fields,
    check_stop,
    convert_checked,
    out_of_range,
)
from gateway.web.wishes import FALLBACK, STRATEGY, wishes_of

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
PART_FEATURES: Mapping[str, str] = {"image_url": "vision", "input_audio": "audio"}


class Message(Struct):
    """As much of a message as we check."""

    role: Role
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    function_call: dict[str, Any] | None = None
    refusal: str | None = None
    audio: dict[str, Any] | None = None


class StreamOptions(Struct):
    include_usage: bool | None = None


class ChatBody(Struct):
    """The fields we read, with their JSON types."""

    messages: list[Message]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    top_logprobs: int | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    functions: list[dict[str, Any]] | None = None
    response_format: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    user: str | None = None


NUMBER, WHOLE = frozenset({int, float}), frozenset({int})
SETTINGS: Mapping[str, tuple[frozenset[type], float, float]] = {
    "stream": (frozenset({bool}), False, True),
    "temperature": (NUMBER, *RANGES["temperature"]),
    "top_p": (NUMBER, *RANGES["top_p"]),
    "max_tokens": (WHOLE, 1, MAX_TOKENS),
    "max_completion_tokens": (WHOLE, 1, MAX_TOKENS),
}
"""What plain bodies may have besides a model and messages: the types and bounds in which nothing is wrong with them."""
LOOKED_AT = (CONTROL_FIELDS | COUNTED | frozenset(ChatBody.__struct_fields__)) - {"model", "messages"}
"""Of all fields but these and those two we read nothing."""
CLOSELY = LOOKED_AT - SETTINGS.keys()


def understand_chat(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:
    """The ask of `POST /v1/chat/completions`. Most bodies are plain; the others, right or wrong, are looked at closely.

    Whatever is plain is understood alike by either way.
    """
    texts = plain_texts(fields)
    if texts is None or STRATEGY in headers or FALLBACK in headers:
        return look_closely(visit, headers, fields)
    return Ask(
        endpoint="chat",
        name=fields["model"],
        payload=fields,
        request_id=visit.ulid,
        key=visit.key,
        input_tokens=conversation_tokens(texts),
        output_tokens=fields.get("max_completion_tokens") or fields.get("max_tokens"),
        texts_only=True,
        stream=fields.get("stream", False),
    )


def plain_texts(fields: Mapping[str, Any]) -> list[str] | None:
    """What was said, if a body is a conversation in text and there is nothing else to say about it."""
    if not LOOKED_AT.isdisjoint(fields) and not are_plain_settings(fields):
        return None
    try:
        messages = fields["messages"]
        if type(messages) is not list or not messages or type(fields["model"]) is not str:
            return None
        texts = []
        for message in messages:
            if type(message) is not dict or len(message) != 2:
                return None
            role, text = message["role"], message["content"]
            if type(text) is not str or type(role) is not str or role not in PLAIN_ROLES:
                return None
            texts.append(text)
    except KeyError:
        return None
    return texts


def are_plain_settings(fields: Mapping[str, Any]) -> bool:
    if not CLOSELY.isdisjoint(fields):
        return False
    for name, (kinds, low, high) in SETTINGS.items():
        if name in fields:
            value = fields[name]
            if type(value) not in kinds or not low <= value <= high:
                return False
    return True


def look_closely(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:
    check_control_fields(fields)
    if fields.get("messages") is None:
        raise RequestError("bad_request", "missing_field", "`messages` is required.", param="messages")
    body = convert_checked(fields, ChatBody)
    check_chat(body, fields, visit.snapshot.defaults.max_choices)
    return ask_of(visit, headers, body, fields)


def ask_of(visit: Visit, headers: Mapping[bytes, bytes], body: ChatBody, payload: dict[str, Any]) -> Ask:
    """The ask of a payload that was checked; `body` is what we read of it."""
    wishes = wishes_of(headers, visit.snapshot.defaults.max_fallbacks)
    options = body.stream_options
    return Ask(
        endpoint="chat",
        name=body.model,
        payload=payload,
        request_id=visit.ulid,
        key=visit.key,
        strategy=wishes.strategy,
        fallback=wishes.fallback,
        features=features_of(body),
        input_tokens=input_tokens(payload),
        output_tokens=body.max_completion_tokens or body.max_tokens,
        choices=body.n or 1,
        stream=body.stream is True,
        include_usage=options is not None and options.include_usage is True,
        meta=body.metadata,
    )


def check_chat(body: ChatBody, fields: Mapping[str, Any], max_choices: int) -> None:
    if not body.messages:
        raise RequestError("bad_request", "missing_field", "`messages` must not be empty.", param="messages")
    check_messages(body.messages)
    if CHECKED.isdisjoint(fields):
        return
    check_ranges(fields)
    check_side_fields(fields)
    check_count("n", body.n, max_choices)
    check_count("max_tokens", body.max_tokens)
    check_count("max_completion_tokens", body.max_completion_tokens)
    check_stop(body.stop)
    if body.stream_options is not None and body.stream is not True:
        raise out_of_range("stream_options", "goes with `stream: true` only")


def check_messages(messages: list[Message]) -> None:
    for index, message in enumerate(messages):
        content = message.content
        if content is None:
            speechless = message.role == "assistant" and (
                message.tool_calls or message.function_call or message.refusal or message.audio
            )
            if not speechless and message.role != "function":
                path = f"messages[{index}].content"
                raise RequestError("bad_request", "missing_field", f"`{path}` is required.", param=path)
        elif type(content) is list:
            check_parts(content, index)


def check_parts(parts: list[dict[str, Any]], index: int) -> None:
    for place, part in enumerate(parts):
        kind = part.get("type")
        if type(kind) is not str:
            path = f"messages[{index}].content[{place}].type"
            raise RequestError("bad_request", "invalid_type", f"`{path}` must name the kind of the part.", param=path)
        if kind == "text" and type(part.get("text")) is not str:
            path = f"messages[{index}].content[{place}].text"
            raise RequestError("bad_request", "invalid_type", f"`{path}` must be a string.", param=path)


def features_of(body: ChatBody) -> frozenset[str]:
    """What the offer must be able to do besides chatting."""
    found = set()
    if body.tools or body.functions:
        found.add("tools")
    if body.response_format is not None and body.response_format.get("type") == "json_schema":
        found.add("json_schema")
    for message in body.messages:
        if type(message.content) is list:
            for part in message.content:
                feature = PART_FEATURES.get(part["type"])
                if feature:
                    found.add(feature)
    return frozenset(found) if found else NOTHING_SPECIAL


NOTHING_SPECIAL: frozenset[str] = frozenset()
