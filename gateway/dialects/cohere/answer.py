"""Read a whole Cohere answer into OpenAI's words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.chunks import chat_answer
from gateway.dialects.cohere.errors import refusal
from gateway.dialects.counts import tokens, tokens_or_zero
from gateway.dialects.failures import clean, garbled, read_json
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure

FINISH: Mapping[str, str] = MappingProxyType(
    {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}
)
BROKEN_OFF: Mapping[str, str] = MappingProxyType({"ERROR": "upstream_error", "TIMEOUT": "upstream_timeout"})
"""Ends that mean the provider gave up, and the code of the failure."""


def read_answer(reply: Reply, seal: Seal) -> Answer | Failure:
    """A whole reply of any status."""
    if reply.status != 200:
        return refusal(reply.status, reply.headers, reply.body)
    fields = read_json(reply.body)
    said = fields.get("message") if isinstance(fields, dict) else None
    if not isinstance(said, dict):
        return garbled("The provider's answer has no message.")
    reason = fields.get("finish_reason")
    if (failure := broken_off(reason)) is not None:
        return failure
    message = read_message(said)
    finish = finish_reason(reason, called="tool_calls" in message)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return chat_answer(seal, seal.model, [choice], read_usage(fields.get("usage")))


def broken_off(reason: object, why: object = None) -> Failure | None:
    code = BROKEN_OFF.get(reason) if isinstance(reason, str) else None
    if code is None:
        return None
    message = clean(why) or "The provider broke off."
    return Failure(kind="transient", code=code, message=message, status=200, possibly_billed=True)


def finish_reason(reason: object, *, called: bool) -> str:
    """OpenAI's word; a reason we do not know counts as an ordinary end."""
    known = FINISH.get(reason) if isinstance(reason, str) else None
    return known or ("tool_calls" if called else "stop")


def read_usage(given: object) -> Usage | None:
    """What is billed, not what was processed: Cohere adds instructions of its own and does not charge for them."""
    if not isinstance(given, dict):
        return None
    counted = given.get("billed_units")
    if not isinstance(counted, dict) or counted.get("input_tokens") is None:
        counted = given.get("tokens")
    if not isinstance(counted, dict):
        return None
    fresh, output = tokens(counted.get("input_tokens")), tokens_or_zero(counted.get("output_tokens"))
    cached = tokens_or_zero(given.get("cached_tokens"))
    if fresh is None or output is None or cached is None:
        return None
    cached = min(cached, fresh)
    return Usage(input_tokens=fresh - cached, cache_read_tokens=cached, output_tokens=output)


def read_message(said: Mapping[str, Any]) -> dict[str, Any]:
    """Text joined, calls in order; the plan that goes with calls is their text."""
    content, calls = said.get("content"), said.get("tool_calls")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    text = "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    thoughts = [part["thinking"] for part in parts if isinstance(part.get("thinking"), str)]
    called = [_call(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if isinstance(content, str):
        text = content
    if not text and isinstance(said.get("tool_plan"), str):
        text = said["tool_plan"]
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not called else None}
    if called:
        message["tool_calls"] = called
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
        message["thinking_blocks"] = [{"type": "thinking", "thinking": thought} for thought in thoughts]
    return message


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    known: Mapping[str, Any] = function if isinstance(function, dict) else {}
    told = {"name": known.get("name") or "", "arguments": known.get("arguments") or "{}"}
    return {"id": call.get("id") or "", "type": "function", "function": told}
