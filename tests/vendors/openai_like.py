"""OpenAI, Azure, and hosts that speak alike."""

import json
from collections.abc import Sequence
from typing import Any

from tests.vendors.vendor import KEY, Call, Trouble, Vendor, event, halves
from tests.wire import Scripted, Seen, json_reply, openai_chat
from tests.wire.openai import embedding, stream_chunk

TROUBLES: dict[Trouble, tuple[int, str | None, str, str]] = {
    "rate": (429, "rate_limit_exceeded", "requests", "Rate limit reached for requests"),
    "money": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota"),
    "overloaded": (503, None, "server_error", "The engine is currently overloaded"),
    "down": (500, None, "server_error", "The server had an error"),
    "auth": (401, "invalid_api_key", "invalid_request_error", "Incorrect API key provided"),
    "model": (404, "model_not_found", "invalid_request_error", "The model does not exist"),
    "overflow": (400, "context_length_exceeded", "invalid_request_error", "maximum context length is 10 tokens"),
    "filtered": (400, "content_filter", "invalid_request_error", "The response was filtered"),
    "caller": (400, "invalid_value", "invalid_request_error", "Invalid value for something"),
}


class OpenAIVendor(Vendor):
    def __init__(self, name: str, *, embeds: bool = True, schemas: bool = True, key: bool = True) -> None:
        super().__init__(name)
        self.embeds = embeds
        self.schemas = schemas
        self.key = key

    def provider(self, url: str) -> str:
        key = 'api_key: "${env:VENDOR_KEY}", ' if self.key else ""
        return f'{{dialect: {self.dialect}, base_url: "{url}/v1", {key}allow_private: true}}'

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        assert (seen.method, seen.target) == ("POST", "/v1/embeddings" if vectors else "/v1/chat/completions")
        assert seen.header("authorization") == (f"Bearer {KEY}" if self.key else None)
        assert seen.json["model"] == (self.vector_model if vectors else self.model)
        assert seen.json.get("stream", False) is stream

    def results(self, seen: Seen) -> list[tuple[str, str]]:
        told = [message for message in seen.json["messages"] if message["role"] == "tool"]
        return [(message["tool_call_id"], message["content"]) for message in told]

    def says(self, text: str) -> Scripted:
        return openai_chat(text, model=self.model)

    def calls(self, *calls: Call) -> Scripted:
        told = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in calls
        ]
        return openai_chat(None, model=self.model, tool_calls=told, finish="tool_calls")

    def vectors(self, *vectors: Sequence[float]) -> Scripted:
        return embedding(*vectors, model=self.vector_model, tokens=7)

    def refuses(self, trouble: Trouble, wait_s: int | None = None) -> Scripted:
        status = TROUBLES[trouble][0]
        headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
        return json_reply(self._error(trouble), status, headers=headers)

    def error_in_200(self, trouble: Trouble) -> Scripted | None:
        return json_reply(self._error(trouble))

    def _error(self, trouble: Trouble) -> dict[str, Any]:
        _, code, kind, message = TROUBLES[trouble]
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def head(self) -> list[bytes]:
        return [self._chunk({"role": "assistant", "content": ""})]

    def words(self, *words: str) -> list[bytes]:
        return [self._chunk({"content": word}) for word in words]

    def called(self, *calls: Call) -> list[bytes]:
        told = []
        for index, call in enumerate(calls):
            begun = {
                "index": index,
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": ""},
            }
            told.append(self._chunk({"tool_calls": [begun]}))
            for part in halves(json.dumps(call.arguments)):
                told.append(self._chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]}))
        return told

    def tail(self, *, calls: bool = False) -> list[bytes]:
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return [
            event(stream_chunk({}, model=self.model, finish="tool_calls" if calls else "stop")),
            event(stream_chunk(None, model=self.model) | {"usage": usage}),
            b"data: [DONE]\n\n",
        ]

    def broken(self, trouble: Trouble) -> bytes:
        return event(self._error(trouble))

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        return event(stream_chunk(delta, model=self.model))


class AzureVendor(OpenAIVendor):
    def provider(self, url: str) -> str:
        return (
            f'{{dialect: azure, base_url: "{url}", api_key: "${{env:VENDOR_KEY}}", allow_private: true, '
            'options: {api_version: "2024-10-21"}}'
        )

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        name = f"{self.vector_model}/embeddings" if vectors else f"{self.model}/chat/completions"
        assert seen.target == f"/openai/deployments/{name}?api-version=2024-10-21"
        assert (seen.header("api-key"), seen.header("authorization")) == (KEY, None)
        assert seen.json.get("stream", False) is stream
