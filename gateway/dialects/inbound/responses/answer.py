"""A chat completion's answer becomes a Response."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.anthropic.turns import is_thought
from gateway.dialects.inbound.responses.items import sealed
from gateway.domain.answer import Answer, Usage

ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "user": None,
}
"""Fields of the request that the Response repeats, and what stands there when they were not given."""
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response(request: Mapping[str, Any], answer: Answer, usage: Usage | None) -> dict[str, Any]:
    """The whole Response; `usage` is the one that was counted, where the provider's own is missing."""
    choices = msgspec.json.decode(msgspec.json.encode(answer.fields.get("choices") or []))
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    said, logprobs = choice.get("message"), choice.get("logprobs")
    shell = response_shell(request, answer.fields)
    output = output_items(said if isinstance(said, dict) else {}, ulid_of(answer.fields), logprobs)
    return (
        shell | ending(choice.get("finish_reason")) | {"output": output, "usage": usage_object(answer.usage or usage)}
    )


def response_shell(request: Mapping[str, Any], completion: Mapping[str, Any]) -> dict[str, Any]:
    """A Response that has only just begun."""
    created, model = completion.get("created"), completion.get("model")
    echoed = {name: request[name] if request.get(name) is not None else ECHOED[name] for name in ECHOED}
    return {
        "id": f"resp_{ulid_of(completion)}",
        "object": "response",
        "created_at": created if isinstance(created, int) else 0,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model if isinstance(model, str) else "",
        "output": [],
        "previous_response_id": None,
        "store": False,
        "truncation": "disabled",
        "usage": None,
        **echoed,
    }


def ulid_of(completion: Mapping[str, Any]) -> str:
    identity = completion.get("id")
    return identity.rpartition("-")[2] if isinstance(identity, str) else ""


def ending(finish: object) -> dict[str, Any]:
    """How it ended: an answer that was cut short is incomplete."""
    reason = INCOMPLETE.get(finish) if isinstance(finish, str) else None
    if reason is None:
        return {"status": "completed", "incomplete_details": None}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


def output_items(said: Mapping[str, Any], ulid: str, logprobs: object = None) -> list[dict[str, Any]]:
    """Reasoning, then the message, then the calls."""
    items: list[dict[str, Any]] = []
    blocks = said.get("thinking_blocks")
    thoughts = [block for block in blocks if is_thought(block)] if isinstance(blocks, list) else []
    reasoning = _text(said, "reasoning_content")
    if thoughts or reasoning:
        items.append(reasoning_item(f"rs_{ulid}_0", reasoning, thoughts))
    parts: list[dict[str, Any]] = []
    if text := _text(said, "content"):
        parts.append(text_part(text, logprobs))
    if refusal := _text(said, "refusal"):
        parts.append({"type": "refusal", "refusal": refusal})
    calls = said.get("tool_calls")
    rows = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if parts or not (rows or items):
        items.append(message_item(f"msg_{ulid}_{len(items)}", parts or [text_part("")]))
    for call in rows:
        function = call.get("function")
        fields = function if isinstance(function, dict) else {}
        place = f"fc_{ulid}_{len(items)}"
        items.append(call_item(place, _text(call, "id"), _text(fields, "name"), _text(fields, "arguments")))
    return items


def reasoning_item(identity: str, text: str, thoughts: list[dict[str, Any]]) -> dict[str, Any]:
    item: dict[str, Any] = {"id": identity, "type": "reasoning", "summary": []}
    if text:
        item["summary"] = [{"type": "summary_text", "text": text}]
    return item | {"encrypted_content": sealed(thoughts)} if thoughts else item


def message_item(identity: str, parts: list[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
    return {"id": identity, "type": "message", "status": status, "role": "assistant", "content": parts}


def text_part(text: str, logprobs: object = None) -> dict[str, Any]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    told = content if isinstance(content, list) else []
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": told}


def call_item(identity: str, call_id: str, name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    return {
        "id": identity,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def usage_object(usage: Usage | None) -> dict[str, Any]:
    counted = usage or Usage()
    return {
        "input_tokens": counted.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": counted.cache_read_tokens,
            "cache_write_tokens": counted.cache_write_tokens,
        },
        "output_tokens": counted.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning_tokens},
        "total_tokens": counted.prompt_tokens + counted.completion_tokens,
    }


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
