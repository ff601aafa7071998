"""A Messages body becomes an ask: checked in Anthropic's words, carried in OpenAI's."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.inbound.messages.request import KNOWN, chat_payload, countable_payload
from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.web.fields import check_control_fields, check_count, check_side_fields, convert_checked, out_of_range
from gateway.web.understand_chat import ChatBody, ask_of
from gateway.web.unheard import without_unknown


class MessagesBody(Struct):
    """The fields we read, with their JSON types."""

    messages: list[dict[str, Any]]
    model: str | None = None
    max_tokens: int | None = None
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


def understand_messages(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:
    """The ask of `POST /v1/messages`."""
    return _understood(visit, headers, fields, chat_payload)


def understand_count(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:
    """The ask of `POST /v1/messages/count_tokens`: never sent, only measured."""
    return replace(_understood(visit, headers, fields, countable_payload), stream=False)


def _understood(
    visit: Visit,
    headers: Mapping[bytes, bytes],
    fields: dict[str, Any],
    translate: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> Ask:
    check_control_fields(fields)
    check_messages_body(convert_checked(fields, MessagesBody), fields)
    heard, left_out = without_unknown(visit, fields, KNOWN)
    payload = translate(heard)
    ask = ask_of(visit, headers, convert_checked(payload, ChatBody), payload)
    return replace(ask, surface="messages", said=fields, left_out=left_out)


def check_messages_body(body: MessagesBody, fields: Mapping[str, Any]) -> None:
    """The ranges of Anthropic's API."""
    if not body.messages:
        raise RequestError("bad_request", "missing_field", "`messages` must not be empty.", param="messages")
    check_side_fields(fields)
    check_count("max_tokens", body.max_tokens)
    check_count("top_k", body.top_k)
    for name, value in (("temperature", body.temperature), ("top_p", body.top_p)):
        if value is not None and not 0 <= value <= 1:
            raise out_of_range(name, "must be between 0 and 1")
