"""The built-in provider: answers every endpoint without a network, always the same, faults included.

It says `echo: ` and the last user message (or tool result), streams word by word, counts a word as a token, and
obeys `max_tokens`, `stop`, `n`, `response_format` (the smallest instance of the schema), `dimensions` and
`encoding_format`. Tools are called where `tool_choice` is `required` or names one, and where a line of the message
says `call NAME {"some": "arguments"}`; several lines make parallel calls. `!think WORDS` in a message is given back
as reasoning.

Faults are named in the offer's id (`echo-fail-503`, `echo-slow`, `echo-slow-0.2`, `echo-cut`, `echo-garbled`,
`echo-no-usage`) or in the message (`!fail 503`, `!slow 0.2`, `!cut`, `!garbled`, `!no-usage`): an error status, a
pause before the answer and each part of a stream, a stream that ends or turns to rubbish half way, no usage.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.dialects.base import NO_PROOF, Proof
from gateway.dialects.echo.replies import stream, vectors, whole
from gateway.dialects.echo.wish import Fault, fault_of
from gateway.dialects.openai.dialect import OpenAI
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Headers, Reply
from gateway.domain.table import Offer, Provider

JSON: Headers = (("content-type", "application/json"),)
ENDPOINTS = (("/chat/completions", "chat"), ("/completions", "completions"), ("/embeddings", "embeddings"))
ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request_error", "invalid_value"),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", "context_length_exceeded"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    529: ("overloaded_error", "overloaded_error"),
}


class Echo(OpenAI):
    """Speaks OpenAI to itself."""

    offline = True

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:
        call = super().request(ask, offer, provider, proof)
        return Call(url=call.url, headers=JSON, body=call.body)

    def perform(self, call: Call) -> Reply:
        if call.method == "GET":
            return Reply(status=200, headers=JSON, body=b'{"object":"list","data":[{"id":"echo","object":"model"}]}')
        payload, fault = _read(call)
        if fault.status is not None:
            return _failure(fault.status)
        endpoint = _endpoint(call)
        body = vectors(payload) if endpoint == "embeddings" else whole(payload, endpoint, fault)
        if fault.garbled or fault.cut:
            body = body[: len(body) // 2]
        return Reply(status=200, headers=JSON, body=body)

    def perform_stream(self, call: Call) -> Reply | Iterator[bytes]:
        payload, fault = _read(call)
        return _failure(fault.status) if fault.status is not None else stream(payload, _endpoint(call), fault)

    def pause_s(self, call: Call) -> float:
        return _read(call)[1].pause_s if b"slow" in call.body else 0.0


def _read(call: Call) -> tuple[dict[str, Any], Fault]:
    payload: dict[str, Any] = msgspec.json.decode(call.body)
    return payload, fault_of(payload)


def _endpoint(call: Call) -> str:
    return next(endpoint for path, endpoint in ENDPOINTS if call.url.endswith(path))


def _failure(status: int) -> Reply:
    kind, code = ERRORS.get(status, ("server_error", "server_error"))
    error = {"message": f"echo was asked to fail with {status}", "type": kind, "code": code, "param": None}
    headers = (*JSON, ("retry-after", "1")) if status in {429, 503} else JSON
    return Reply(status=status, headers=headers, body=msgspec.json.encode({"error": error}))
