"""Read one candidate of Gemini's: its parts, its calls, why it ended."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.failures import garbled
from gateway.domain.trail import Failure

FINISH: Mapping[str, str] = MappingProxyType(
    {
        "STOP": "stop",
        "MAX_TOKENS": "length",
        "CONTINUATION": "length",
        "SAFETY": "content_filter",
        "RECITATION": "content_filter",
        "LANGUAGE": "content_filter",
        "OTHER": "content_filter",
        "BLOCKLIST": "content_filter",
        "PROHIBITED_CONTENT": "content_filter",
        "SPII": "content_filter",
        "ESCALATION": "content_filter",
        "MODEL_ARMOR": "content_filter",
        "PUP_LIMITED_DISABLED": "content_filter",
        "IMAGE_SAFETY": "content_filter",
        "IMAGE_PROHIBITED_CONTENT": "content_filter",
        "IMAGE_RECITATION": "content_filter",
        "IMAGE_OTHER": "content_filter",
        "NO_IMAGE": "content_filter",
    }
)
BROKEN = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    }
)
"""The model failed: there is no answer to give."""


class Said(Struct, kw_only=True):
    """What the parts of a candidate say."""

    text: str = ""
    reasoning: str = ""
    calls: list[dict[str, Any]]
    signature: str | None = None

    def message(self) -> dict[str, Any]:
        """The members of a message or a delta, only those that are there."""
        fields: dict[str, Any] = {}
        if self.text:
            fields["content"] = self.text
        if self.reasoning:
            fields["reasoning_content"] = self.reasoning
        if self.calls:
            fields["tool_calls"] = self.calls
        if self.signature is not None:
            fields["extra_content"] = _signed(self.signature)
        return fields


def read_parts(candidate: Mapping[str, Any], call_id: str, first_call: int = 0) -> Said:
    """Text and thoughts joined, calls in order. A call without an id gets one that is unique in the conversation."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    said = Said(calls=[])
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            _hear(part, said, f"{call_id}_{first_call + len(said.calls)}")
    return said


def _hear(part: Mapping[str, Any], said: Said, call_id: str) -> None:
    call, text, signature = part.get("functionCall"), part.get("text"), part.get("thoughtSignature")
    if isinstance(call, dict):
        said.calls.append(_call(call, call_id, signature))
        return
    if isinstance(signature, str):
        said.signature = signature
    if not isinstance(text, str):
        return  # images, code and its results have no place in a chat completion
    if part.get("thought") is True:
        said.reasoning += text
    else:
        said.text += text


def _call(call: Mapping[str, Any], made_id: str, signature: object) -> dict[str, Any]:
    arguments = msgspec.json.encode(call.get("args") or {}).decode()
    name = call.get("name")
    given = call.get("id")
    fields: dict[str, Any] = {
        "id": given if isinstance(given, str) and given else made_id,
        "type": "function",
        "function": {"name": name if isinstance(name, str) else "", "arguments": arguments},
    }
    return fields | {"extra_content": _signed(signature)} if isinstance(signature, str) else fields


def _signed(signature: str) -> dict[str, Any]:
    return {"google": {"thought_signature": signature}}


def finish_reason(reason: object, *, called: bool) -> str | Failure:
    """OpenAI's word; a reason we do not know counts as an ordinary end."""
    word = reason if isinstance(reason, str) else ""
    if word in BROKEN:
        return garbled(f"The model gave up: {word}.")
    finish = FINISH.get(word, "stop")
    return "tool_calls" if called and finish == "stop" else finish


def logprobs(candidate: Mapping[str, Any]) -> dict[str, Any] | None:
    """OpenAI's `logprobs` from Google's two parallel lists."""
    result = candidate.get("logprobsResult")
    chosen = result.get("chosenCandidates") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(chosen, list):
        return None
    steps = result.get("topCandidates")
    tops = steps if isinstance(steps, list) else []
    content = []
    for place, row in enumerate(chosen):
        step = tops[place] if place < len(tops) and isinstance(tops[place], dict) else {}
        rivals = step.get("candidates")
        top = [_logprob(each) for each in rivals] if isinstance(rivals, list) else []
        content.append(_logprob(row) | {"top_logprobs": top})
    return {"content": content, "refusal": None}


def _logprob(row: Any) -> dict[str, Any]:
    fields = row if isinstance(row, dict) else {}
    token = fields.get("token") if isinstance(fields.get("token"), str) else ""
    value = fields.get("logProbability")
    return {
        "token": token,
        "logprob": value if isinstance(value, int | float) else -9999.0,
        "bytes": list((token or "").encode("utf-8", "surrogatepass")),
    }


def blocked(fields: Mapping[str, Any]) -> str | None:
    """Why the prompt was not answered at all, as a sentence; None where it was."""
    feedback = fields.get("promptFeedback")
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    if not isinstance(feedback, dict) or not isinstance(reason, str):
        return None
    message = feedback.get("blockReasonMessage")
    return message if isinstance(message, str) and message else f"The prompt was blocked: {reason}."
