"""What Anthropic's whole answers and complaints mean in OpenAI's words."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.anthropic.dialect import Anthropic
from gateway.dialects.base import Seal
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from tests.builders import a_provider, an_ask

SEAL = Seal(id="chatcmpl-th-1", created=1_700_000_000, provider="anthropic", model="claude-opus-5")
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5-20260724",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 3},
}


def read(status: int = 200, headers: tuple[tuple[str, str], ...] = (), **fields: Any) -> Answer | Failure:
    body = msgspec.json.encode(fields)
    return Anthropic().answer(an_ask(), Reply(status=status, headers=headers, body=body), SEAL)


def answer(**fields: Any) -> Answer:
    read_answer = read(**(MESSAGE | fields))
    assert isinstance(read_answer, Answer)
    return read_answer


def failure(body: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Failure:
    outcome = Anthropic().answer(an_ask(), Reply(status=status, headers=headers, body=body), SEAL)
    assert isinstance(outcome, Failure)
    return outcome


def test_a_plain_answer() -> None:
    whole = answer()
    assert whole.model == "claude-opus-5-20260724"
    assert whole.output_chars == 2
    assert whole.usage == Usage(input_tokens=10, output_tokens=3)
    assert {name: whole.fields[name] for name in ("id", "object", "created", "model", "choices")} == {
        "id": "chatcmpl-th-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "anthropic/claude-opus-5-20260724",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi"},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
    }


def test_calls_keep_their_ids_and_thoughts_keep_their_signatures() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    content = [
        thought,
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
        {"type": "tool_use", "id": "toolu_2", "name": "clock", "input": {}},
        {"type": "server_tool_use", "id": "srv"},
    ]
    choice = answer(content=content, stop_reason="tool_use").fields["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [
            {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
            {"id": "toolu_2", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
        ],
        "reasoning_content": "Hm.",
        "thinking_blocks": [thought, {"type": "redacted_thinking", "data": "xyz"}],
    }


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("something_new", "stop"),
        (None, "stop"),
    ],
)
def test_stop_reasons(reason: str | None, finish: str) -> None:
    assert answer(stop_reason=reason).fields["choices"][0]["finish_reason"] == finish


def test_an_empty_answer_with_a_stop_reason_is_a_success() -> None:
    assert answer(content=[]).fields["choices"][0]["message"]["content"] == ""


def test_usage_keeps_its_buckets_apart_and_openais_object_adds_them_up() -> None:
    whole = answer(
        usage={
            "input_tokens": 10,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 1000,
            "output_tokens": 50,
            "output_tokens_details": {"thinking_tokens": 20},
        }
    )
    assert whole.usage == Usage(
        input_tokens=10, cache_read_tokens=100, cache_write_tokens=1000, output_tokens=30, reasoning_tokens=20
    )
    usage = whole.fields["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (1110, 50, 1160)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 100
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 20


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"input_tokens": -1, "output_tokens": 1},
        {"input_tokens": "9", "output_tokens": 1},
        {"input_tokens": 1.5, "output_tokens": 1},
        {"input_tokens": 10**18, "output_tokens": 1},
    ],
)
def test_b07_b08_usage_that_cannot_be_true_is_none(usage: Any) -> None:
    whole = answer(usage=usage)
    assert whole.usage is None
    assert "usage" not in whole.fields


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"a":', b"<html>", b"[" * 100_000, b"{}", b'{"content":"x"}'])
def test_b05_b06_what_is_not_an_answer_is_garbled(body: bytes) -> None:
    assert failure(body).kind == "garbled"


CASES: list[tuple[int, str, str, str, str]] = [
    (529, "overloaded_error", "Overloaded", "transient", "upstream_overloaded"),
    (429, "rate_limit_error", "Slow down", "rate_limited", "provider_rate_limited"),
    (400, "invalid_request_error", "Your credit balance is too low to access", "refused", "upstream_billing"),
    (402, "billing_error", "Pay", "refused", "upstream_billing"),
    (401, "authentication_error", "invalid x-api-key", "refused", "upstream_auth"),
    (403, "permission_error", "no", "refused", "upstream_auth"),
    (404, "not_found_error", "model: claude-9", "refused", "upstream_model_not_found"),
    (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "context_overflow", ""),
    (413, "request_too_large", "Request exceeds the maximum size", "context_overflow", ""),
    (400, "invalid_request_error", "`temperature` is deprecated for this model.", "bad_request", "invalid_request"),
    (500, "api_error", "Internal server error", "transient", "upstream_error"),
    (504, "timeout_error", "Too slow", "transient", "upstream_timeout"),
]


@pytest.mark.parametrize(("status", "word", "message", "kind", "code"), CASES)
def test_complaints_mean_the_same_as_a_status_and_inside_a_200(
    status: int, word: str, message: str, kind: str, code: str
) -> None:
    body = msgspec.json.encode({"type": "error", "error": {"type": word, "message": message}, "request_id": "r"})
    for outcome in (failure(body, status), failure(body, 200)):
        assert outcome.kind == kind
        assert outcome.code == (code or "context_length_exceeded")


def test_s11_a_spend_limit_is_money_and_not_a_rate() -> None:
    error = {"type": "rate_limit_error", "message": "x", "details": {"error_code": "enforced_spend_limit_reached"}}
    assert failure(msgspec.json.encode({"type": "error", "error": error}), 429).code == "upstream_billing"


def test_s10_retry_after_is_heard() -> None:
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}'
    assert failure(body, 429, (("retry-after", "7"),)).retry_after_s == 7


def test_s23_a_key_in_a_complaint_is_scrubbed() -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"bad key sk-ant-api03-abcdef12345"}}'
    assert "abcdef" not in failure(body, 400).message


def test_models_are_listed() -> None:
    reply = Reply(status=200, headers=(), body=b'{"data":[{"id":"claude-a"},{"id":"claude-b"},{}]}')
    assert Anthropic().listed(reply) == ("claude-a", "claude-b")
    call = Anthropic().listing(a_provider(base_url="https://api.anthropic.com"))
    assert call is not None
    assert (call.method, call.url) == ("GET", "https://api.anthropic.com/v1/models?limit=1000")
    assert isinstance(Anthropic().listed(Reply(status=200, headers=(), body=b"{}")), Failure)
