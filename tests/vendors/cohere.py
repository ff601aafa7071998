"""Cohere, version 2 of its API."""

import json
from collections.abc import Sequence
from typing import Any

from tests.vendors.vendor import KEY, Call, Trouble, Vendor, event, halves
from tests.wire import Scripted, Seen, json_reply

USAGE = {"billed_units": {"input_tokens": 10, "output_tokens": 5}, "tokens": {"input_tokens": 70, "output_tokens": 7}}
TROUBLES: dict[Trouble, tuple[int, str]] = {
    "rate": (429, "You are using a Trial key, which is limited to 20 API calls / minute."),
    "money": (402, "Please add or update your payment method."),
    "overloaded": (503, "service unavailable"),
    "down": (500, "internal server error"),
    "auth": (401, "invalid api token"),
    "model": (404, "model 'upstream-model' not found"),
    "overflow": (400, "too many tokens: total number of tokens in the prompt cannot exceed 10"),
    "caller": (400, "invalid request: message must be at least 1 token long"),
}


class CohereVendor(Vendor):
    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        assert (seen.method, seen.target) == ("POST", "/v2/embed" if vectors else "/v2/chat")
        assert seen.header("authorization") == f"Bearer {KEY}"
        assert seen.json["model"] == (self.vector_model if vectors else self.model)
        assert seen.json.get("stream", False) is stream

    def results(self, seen: Seen) -> list[tuple[str, str]]:
        told = [message for message in seen.json["messages"] if message["role"] == "tool"]
        return [(message["tool_call_id"], _text(message["content"])) for message in told]

    def says(self, text: str) -> Scripted:
        return _reply({"content": [{"type": "text", "text": text}]}, "COMPLETE")

    def calls(self, *calls: Call) -> Scripted:
        return _reply({"tool_plan": "Let me see.", "tool_calls": [_call(call) for call in calls]}, "TOOL_CALL")

    def vectors(self, *vectors: Sequence[float]) -> Scripted:
        rows = [list(vector) for vector in vectors]
        return json_reply({"id": "e", "embeddings": {"float": rows}, "meta": {"billed_units": {"input_tokens": 7}}})

    def refuses(self, trouble: Trouble, wait_s: int | None = None) -> Scripted:
        status, message = TROUBLES[trouble]
        headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
        return json_reply({"id": "x", "message": message}, status, headers=headers)

    def head(self) -> list[bytes]:
        return [
            _said("message-start", id="x", delta={"message": {"role": "assistant", "content": [], "tool_calls": []}})
        ]

    def words(self, *words: str) -> list[bytes]:
        start = _inside("content-start", 0, content={"type": "text", "text": ""})
        deltas = [_inside("content-delta", 0, content={"text": word}) for word in words]
        return [start, *deltas, _said("content-end", index=0)]

    def called(self, *calls: Call) -> list[bytes]:
        told = []
        for index, call in enumerate(calls):
            begun = _call(call) | {"function": {"name": call.name, "arguments": ""}}
            told.append(_inside("tool-call-start", index, tool_calls=begun))
            for part in halves(json.dumps(call.arguments)):
                told.append(_inside("tool-call-delta", index, tool_calls={"function": {"arguments": part}}))
            told.append(_said("tool-call-end", index=index))
        return told

    def tail(self, *, calls: bool = False) -> list[bytes]:
        delta = {"finish_reason": "TOOL_CALL" if calls else "COMPLETE", "usage": USAGE}
        return [_said("message-end", delta=delta)]

    def broken(self, trouble: Trouble) -> bytes:
        """Cohere ends the message with an error."""
        return _said("message-end", delta={"finish_reason": "ERROR", "error": TROUBLES[trouble][1], "usage": USAGE})


def _call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}


def _reply(message: dict[str, Any], finish: str) -> Scripted:
    return json_reply({"id": "x", "finish_reason": finish, "message": {"role": "assistant", **message}, "usage": USAGE})


def _said(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)


def _inside(kind: str, index: int, **message: Any) -> bytes:
    return _said(kind, index=index, delta={"message": message})


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)
