"""A Responses body becomes an ask: the part of that interface that needs no memory of ours."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.inbound.responses.request import KNOWN, MEMORY_FIELDS, chat_payload
from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.web.fields import check_control_fields, check_count, check_ranges, check_side_fields, convert_checked
from gateway.web.understand_chat import ChatBody, ask_of, check_messages
from gateway.web.unheard import without_unknown


class ResponsesBody(Struct):
    """The fields we read, with their JSON types."""

    input: str | list[dict[str, Any]] | None = None
    model: str | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    include: list[str] | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    user: str | None = None


def understand_responses(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:
    """The ask of `POST /v1/responses`."""
    check_control_fields(fields)
    body = convert_checked(fields, ResponsesBody)
    check_ranges(fields)
    check_side_fields(fields)
    check_count("max_output_tokens", body.max_output_tokens)
    heard, left_out = without_unknown(visit, fields, KNOWN | MEMORY_FIELDS)
    payload = chat_payload(heard)
    if not payload["messages"]:
        raise RequestError("bad_request", "missing_field", "`input` must not be empty.", param="input")
    chat = convert_checked(payload, ChatBody)
    check_messages(chat.messages)
    ask = ask_of(visit, headers, chat, payload)
    return replace(ask, surface="responses", said=fields, left_out=left_out, meta=body.metadata)
