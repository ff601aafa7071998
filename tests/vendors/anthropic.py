"""Anthropic."""

import json
from typing import Any

from tests.vendors.vendor import KEY, Call, Trouble, Vendor, event, halves
from tests.wire import Scripted, Seen
from tests.wire.anthropic import anthropic_error, anthropic_message

TROUBLES: dict[Trouble, tuple[int, str, str]] = {
    "rate": (429, "rate_limit_error", "This request would exceed your rate limit"),
    "money": (400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "down": (500, "api_error", "Internal server error"),
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "model": (404, "not_found_error", "model: upstream-model"),
    "overflow": (400, "invalid_request_error", "prompt is too long: 20 tokens > 10 maximum"),
    "filtered": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "caller": (400, "invalid_request_error", "messages.0.content: something is wrong"),
}


class AnthropicVendor(Vendor):
    embeds = False

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        assert (seen.method, seen.target) == ("POST", "/v1/messages")
        assert (seen.header("x-api-key"), seen.header("authorization")) == (KEY, None)
        assert seen.header("anthropic-version") == "2023-06-01"
        assert seen.json["model"] == self.model
        assert seen.json["max_tokens"] >= 1
        assert seen.json.get("stream", False) is stream

    def results(self, seen: Seen) -> list[tuple[str, str]]:
        blocks = [
            block for turn in seen.json["messages"] if isinstance(turn["content"], list) for block in turn["content"]
        ]
        return [(block["tool_use_id"], block["content"]) for block in blocks if block["type"] == "tool_result"]

    def says(self, text: str) -> Scripted:
        return anthropic_message(text, model=self.model)

    def calls(self, *calls: Call) -> Scripted:
        blocks: list[dict[str, Any]] = [{"type": "text", "text": "Let me see."}]
        blocks += [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in calls]
        return anthropic_message(content=blocks, stop="tool_use", model=self.model)

    def refuses(self, trouble: Trouble, wait_s: int | None = None) -> Scripted:
        headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
        return anthropic_error(*TROUBLES[trouble], headers=headers)

    def error_in_200(self, trouble: Trouble) -> Scripted | None:
        _, kind, message = TROUBLES[trouble]
        return anthropic_error(200, kind, message)

    def head(self) -> list[bytes]:
        usage = {"input_tokens": 10, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": self.model, "content": []}
        return [_said("message_start", message=message | {"usage": usage}), _said("ping")]

    def words(self, *words: str) -> list[bytes]:
        deltas = [_said("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words]
        return [_said("content_block_start", index=0, content_block={"type": "text", "text": ""}), *deltas]

    def called(self, *calls: Call) -> list[bytes]:
        told = []
        for index, call in enumerate(calls):
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            told.append(_said("content_block_start", index=index, content_block=block))
            for part in halves(json.dumps(call.arguments)):
                delta = {"type": "input_json_delta", "partial_json": part}
                told.append(_said("content_block_delta", index=index, delta=delta))
            told.append(_said("content_block_stop", index=index))
        return told

    def tail(self, *, calls: bool = False) -> list[bytes]:
        delta = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
        return [_said("message_delta", delta=delta, usage={"output_tokens": 5}), _said("message_stop")]

    def broken(self, trouble: Trouble) -> bytes:
        _, kind, message = TROUBLES[trouble]
        return _said("error", error={"type": kind, "message": message})


def _said(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)
