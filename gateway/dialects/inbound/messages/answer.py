"""A chat completion's answer becomes a Message, and our errors Anthropic's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects.anthropic.turns import arguments, is_thought
from gateway.domain.answer import Answer, Usage
from gateway.errors import ErrorKind, RequestError

STOP: Mapping[str, str] = MappingProxyType(
    {
        "stop": "end_turn",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "function_call": "tool_use",
        "content_filter": "refusal",
    }
)
ERROR_TYPE: Mapping[ErrorKind, str] = MappingProxyType(
    {
        "unauthenticated": "authentication_error",
        "forbidden": "permission_error",
        "not_found": "not_found_error",
        "body_timeout": "timeout_error",
        "too_large": "request_too_large",
        "rate_limited": "rate_limit_error",
        "over_limit": "rate_limit_error",
        "provider_failed": "api_error",
        "all_failed": "api_error",
        "no_provider": "overloaded_error",
        "no_eligible": "api_error",
        "output_mismatch": "api_error",
        "overloaded": "overloaded_error",
        "internal": "api_error",
    }
)
"""Kinds that are not here are mistakes in the request."""


def message(answer: Answer, usage: Usage | None) -> dict[str, Any]:
    """The Message; `usage` is the one that was counted, where the provider's own is missing."""
    choices = msgspec.json.decode(msgspec.json.encode(answer.fields.get("choices") or []))
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    said = choice.get("message")
    model = answer.fields.get("model")
    return {
        "id": message_id(answer.fields.get("id")),
        "type": "message",
        "role": "assistant",
        "model": model if isinstance(model, str) else answer.model,
        "content": content_blocks(said if isinstance(said, dict) else {}),
        "stop_reason": stop_reason(choice.get("finish_reason")),
        "stop_sequence": None,
        "usage": usage_object(answer.usage or usage),
    }


def message_id(completion_id: object) -> str:
    """The same ULID under Anthropic's prefix."""
    return "msg_" + (completion_id.rpartition("-")[2] if isinstance(completion_id, str) else "")


def stop_reason(finish: object) -> str:
    return STOP.get(finish, "end_turn") if isinstance(finish, str) else "end_turn"


def content_blocks(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Thoughts, then text, then calls: the order in which Anthropic's models speak."""
    thoughts = said.get("thinking_blocks")
    blocks = [_signed(block) for block in thoughts if is_thought(block)] if isinstance(thoughts, list) else []
    reasoning = said.get("reasoning_content")
    if not blocks and isinstance(reasoning, str) and reasoning:
        blocks = [{"type": "thinking", "thinking": reasoning, "signature": ""}]
    for name in ("content", "refusal"):
        if isinstance(text := said.get(name), str) and text:
            blocks.append({"type": "text", "text": text})
    calls = said.get("tool_calls")
    return blocks + [_tool_use(call) for call in (calls if isinstance(calls, list) else ()) if isinstance(call, dict)]


def _signed(block: dict[str, Any]) -> dict[str, Any]:
    """Readers count on a signature, if only an empty one."""
    return {**block, "signature": block.get("signature") or ""} if block["type"] == "thinking" else block


def _tool_use(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    fields = function if isinstance(function, dict) else {}
    return {
        "type": "tool_use",
        "id": call.get("id") or "",
        "name": fields.get("name") or "",
        "input": arguments(fields.get("arguments")),
    }


def usage_object(usage: Usage | None) -> dict[str, Any]:
    """Anthropic's buckets are disjoint, as ours are."""
    counted = usage or Usage()
    return {
        "input_tokens": counted.input_tokens + counted.audio_input_tokens + counted.image_tokens,
        "cache_creation_input_tokens": counted.cache_write_tokens,
        "cache_read_input_tokens": counted.cache_read_tokens,
        "output_tokens": counted.completion_tokens,
        "output_tokens_details": {"thinking_tokens": counted.reasoning_tokens},
    }


def token_count(tokens: int) -> dict[str, int]:
    """The answer of `count_tokens`."""
    return {"input_tokens": tokens}


def error_body(error: RequestError, request_id: str) -> dict[str, Any]:
    """Anthropic's shape of an error."""
    kind = ERROR_TYPE.get(error.kind, "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": _worded(error)}, "request_id": request_id}


TOO_LONG = "prompt is too long"
"""By these words coding agents know that they have to shorten a conversation."""


def _worded(error: RequestError) -> str:
    if error.code != "context_length_exceeded" or TOO_LONG in error.message.lower():
        return error.message
    return f"{TOO_LONG}: {error.message}"
