"""Read a whole Converse answer into OpenAI's words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects.base import Seal
from gateway.dialects.bedrock.errors import refusal
from gateway.dialects.chunks import chat_answer
from gateway.dialects.counts import tokens, tokens_or_zero
from gateway.dialects.failures import garbled, read_json
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure

FINISH: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "guardrail_intervened": "content_filter",
        "content_filtered": "content_filter",
    }
)
MALFORMED = ("malformed_tool_use", "malformed_model_output")
"""The model wrote what Bedrock could not read: no answer at all."""


def read_answer(reply: Reply, seal: Seal) -> Answer | Failure:
    """A whole reply of any status."""
    if reply.status != 200:
        return refusal(reply.status, reply.headers, reply.body)
    fields = read_json(reply.body)
    if not isinstance(fields, dict):
        return garbled("The provider's answer is not a JSON object.")
    output = fields.get("output")
    said = output.get("message") if isinstance(output, dict) else None
    content = said.get("content") if isinstance(said, dict) else None
    if not isinstance(content, list):
        return garbled("The provider's answer has no message.")
    reason = fields.get("stopReason")
    if reason in MALFORMED:
        return malformed(str(reason))
    message = read_message(content)
    finish = finish_reason(reason, called="tool_calls" in message)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return chat_answer(seal, seal.model, [choice], read_usage(fields.get("usage")))


def malformed(reason: str) -> Failure:
    failure = garbled(f"The model's answer could not be read by the provider ({reason}).")
    return msgspec.structs.replace(failure, same_offer=True)


def finish_reason(reason: object, *, called: bool) -> str:
    """OpenAI's word; a reason we do not know counts as an ordinary end."""
    known = FINISH.get(reason) if isinstance(reason, str) else None
    return known or ("tool_calls" if called else "stop")


def read_usage(given: object) -> Usage | None:
    """Converse's buckets are disjoint already. None where a number is missing or cannot be true."""
    if not isinstance(given, dict):
        return None
    fresh, output = tokens(given.get("inputTokens")), tokens(given.get("outputTokens"))
    read, written = (tokens_or_zero(given.get(f"cache{what}InputTokens")) for what in ("Read", "Write"))
    if fresh is None or output is None or read is None or written is None:
        return None
    return Usage(input_tokens=fresh, cache_read_tokens=read, cache_write_tokens=written, output_tokens=output)


def read_message(content: list[Any]) -> dict[str, Any]:
    """Text joined, calls in order, thoughts beside them as signed."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[dict[str, Any]] = []
    for block in content:
        if not isinstance(block, dict):
            continue
        if isinstance(block.get("text"), str):
            texts.append(block["text"])
        elif isinstance(block.get("toolUse"), dict):
            calls.append(_call(block["toolUse"]))
        elif isinstance(block.get("reasoningContent"), dict):
            thoughts += _thought(block["reasoningContent"])
        elif isinstance(block.get("citationsContent"), dict):
            texts += _cited(block["citationsContent"])
        # Images, guard content and tools that run at the provider have no words in a chat message.
    text = "".join(texts)
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        reasoning = "".join(each.get("thinking", "") for each in thoughts)
        message |= {"reasoning_content": reasoning, "thinking_blocks": thoughts}
    return message


def _call(block: Mapping[str, Any]) -> dict[str, Any]:
    arguments = msgspec.json.encode(block.get("input") or {}).decode()
    function = {"name": block.get("name") or "", "arguments": arguments}
    return {"id": block.get("toolUseId") or "", "type": "function", "function": function}


def _thought(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    if isinstance(block.get("redactedContent"), str):
        return [{"type": "redacted_thinking", "data": block["redactedContent"]}]
    text = block.get("reasoningText")
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return []
    thought = {"type": "thinking", "thinking": text["text"]}
    if isinstance(text.get("signature"), str):
        thought["signature"] = text["signature"]
    return [thought]


def _cited(block: Mapping[str, Any]) -> list[str]:
    content = block.get("content")
    parts = content if isinstance(content, list) else ()
    return [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
