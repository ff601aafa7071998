"""Read a whole Messages answer into OpenAI's words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects.anthropic.errors import inside, refusal
from gateway.dialects.anthropic.turns import is_thought
from gateway.dialects.anthropic.usage import read_usage
from gateway.dialects.base import Seal
from gateway.dialects.chunks import chat_answer, model_name
from gateway.dialects.failures import garbled, read_json
from gateway.domain.answer import Answer
from gateway.domain.call import Reply
from gateway.domain.trail import Failure

FINISH: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "pause_turn": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
    }
)


def read_answer(reply: Reply, seal: Seal) -> Answer | Failure:
    """A whole reply of any status."""
    if reply.status != 200:
        return refusal(reply.status, reply.headers, reply.body)
    fields = read_json(reply.body)
    if not isinstance(fields, dict):
        return garbled("The provider's answer is not a JSON object.")
    if fields.get("type") == "error" or ("error" in fields and "content" not in fields):
        return inside(fields)
    content = fields.get("content")
    if not isinstance(content, list):
        return garbled("The provider's answer has no content.")
    message = read_message(content)
    if (why := refusal_of(fields)) is not None:
        message["refusal"] = why
    finish = finish_reason(fields.get("stop_reason"), called="tool_calls" in message)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return chat_answer(seal, model_name(seal, fields.get("model")), [choice], read_usage(fields.get("usage")))


def finish_reason(reason: object, *, called: bool) -> str:
    """OpenAI's word; a reason we do not know counts as an ordinary end."""
    known = FINISH.get(reason) if isinstance(reason, str) else None
    return known or ("tool_calls" if called else "stop")


def refusal_of(fields: Any) -> str | None:
    """Why the model's answer was stopped, where the provider says so."""
    details = fields.get("stop_details") if isinstance(fields, dict) else None
    why = details.get("explanation") if isinstance(details, dict) else None
    return why if isinstance(why, str) else None


def read_message(content: list[Any]) -> dict[str, Any]:
    """Text joined, calls in order, thoughts beside them as signed."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    for block in content:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            texts.append(block["text"])
        elif kind == "tool_use":
            calls.append(_call(block))
        elif is_thought(block):
            thoughts.append(block)
        # Blocks of tools that run at the provider carry nothing a chat message has words for.
    text = "".join(texts)
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        reasoning = "".join(each["thinking"] for each in thoughts if isinstance(each.get("thinking"), str))
        message |= {"reasoning_content": reasoning, "thinking_blocks": thoughts}
    return message


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    arguments = msgspec.json.encode(block.get("input") or {}).decode()
    function = {"name": block.get("name") or "", "arguments": arguments}
    return {"id": block.get("id") or "", "type": "function", "function": function}
