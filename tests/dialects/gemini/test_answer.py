"""What Google's whole answers, embeddings and complaints mean in OpenAI's words."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.base import Seal
from gateway.dialects.gemini.dialect import Gemini
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from tests.builders import a_provider, an_ask, an_offer

SEAL = Seal(id="chatcmpl-th-01ulid", created=1_700_000_000, provider="gemini", model="gemini-3.5-flash")
USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 3, "totalTokenCount": 13}


def candidate(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, **more}


def read(body: bytes, status: int = 200, **ask: Any) -> Answer | Failure:
    return Gemini().answer(an_ask(**ask), Reply(status=status, headers=(), body=body), SEAL)


def answer(*candidates: dict[str, Any], **fields: Any) -> Answer:
    whole = {"candidates": list(candidates), "usageMetadata": USAGE, "modelVersion": "gemini-3.5-flash-002"} | fields
    outcome = read(msgspec.json.encode(whole))
    assert isinstance(outcome, Answer)
    return outcome


def failure(body: Any, status: int = 200, **ask: Any) -> Failure:
    outcome = read(body if isinstance(body, bytes) else msgspec.json.encode(body), status, **ask)
    assert isinstance(outcome, Failure)
    return outcome


def test_a_plain_answer() -> None:
    whole = answer(candidate({"text": "Hel"}, {"text": "lo", "thoughtSignature": "c2ln"}))
    assert whole.fields["id"] == "chatcmpl-th-01ulid"
    assert whole.fields["model"] == "gemini/gemini-3.5-flash-002"
    assert whole.usage == Usage(input_tokens=10, output_tokens=3)
    assert whole.fields["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello",
                "extra_content": {"google": {"thought_signature": "c2ln"}},
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]


def test_thoughts_and_parallel_calls_with_and_without_ids() -> None:
    whole = answer(
        candidate(
            {"text": "Hm.", "thought": True},
            {"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "clock", "id": "fc-1"}},
        )
    )
    choice = whole.fields["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Hm.",
        "tool_calls": [
            {
                "id": "call_01ulid_0_0",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
                "extra_content": {"google": {"thought_signature": "c2ln"}},
            },
            {"id": "fc-1", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
        ],
    }


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("OTHER", "content_filter"),
        ("SOMETHING_NEW", "stop"),
        (None, "stop"),
    ],
)
def test_finish_reasons(reason: str | None, finish: str) -> None:
    assert answer(candidate(finish=reason)).fields["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"])
def test_a_model_that_gave_up_gave_no_answer(reason: str) -> None:
    outcome = failure({"candidates": [candidate({"text": "x"}, finish=reason)]})
    assert outcome.kind == "garbled"
    assert reason in outcome.message


def test_several_candidates_keep_their_index() -> None:
    whole = answer(candidate({"text": "b"}, index=1), candidate({"text": "a"}, index=0))
    assert [choice["index"] for choice in whole.fields["choices"]] == [1, 0]


def test_a_blocked_prompt_is_an_answer_that_was_filtered() -> None:
    whole = answer(promptFeedback={"blockReason": "SAFETY"})
    assert whole.fields["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "", "refusal": "The prompt was blocked: SAFETY."},
            "logprobs": None,
            "finish_reason": "content_filter",
        }
    ]


def test_logprobs_follow_openais_shape() -> None:
    result = {
        "chosenCandidates": [{"token": "Hé", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "Ho", "logProbability": -1}]}],
    }
    told = answer(candidate({"text": "Hé"}, logprobsResult=result)).fields["choices"][0]["logprobs"]
    assert told == {
        "content": [
            {
                "token": "Hé",
                "logprob": -0.5,
                "bytes": [72, 195, 169],
                "top_logprobs": [{"token": "Ho", "logprob": -1, "bytes": [72, 111]}],
            }
        ],
        "refusal": None,
    }


@pytest.mark.parametrize(
    ("given", "usage"),
    [
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 40,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 7,
            },
            Usage(input_tokens=60, cache_read_tokens=40, output_tokens=5, reasoning_tokens=7),
        ),
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 10,
                "toolUsePromptTokenCount": 3,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 30},
                    {"modality": "AUDIO", "tokenCount": 50},
                    {"modality": "IMAGE", "tokenCount": 20},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
            },
            Usage(input_tokens=33, cache_read_tokens=10, audio_input_tokens=40, image_tokens=20),
        ),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 9}, None),
        ({"promptTokenCount": -5}, None),
        ({"promptTokenCount": "5"}, None),
        ({"candidatesTokenCount": 5}, None),
        (None, None),
    ],
)
def test_usage_is_taken_apart(given: Any, usage: Usage | None) -> None:
    assert answer(candidate(), usageMetadata=given).usage == usage


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"candidates":[]}', b"<html>", b"[" * 100_000])
def test_b05_b06_what_is_not_an_answer_is_garbled(body: bytes) -> None:
    assert failure(body).kind == "garbled"


def complaint(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


KEY_INVALID = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
TOO_LONG = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
CASES: list[tuple[dict[str, Any], str, str]] = [
    (complaint(400, "INVALID_ARGUMENT", "API key not valid. Pass one.", KEY_INVALID), "refused", "upstream_auth"),
    (complaint(400, "INVALID_ARGUMENT", TOO_LONG), "context_overflow", "context_length_exceeded"),
    (complaint(400, "INVALID_ARGUMENT", 'Unknown name "x"'), "bad_request", "invalid_request"),
    (complaint(400, "FAILED_PRECONDITION", "User location is not supported"), "refused", "upstream_auth"),
    (complaint(401, "UNAUTHENTICATED", "no"), "refused", "upstream_auth"),
    (complaint(403, "PERMISSION_DENIED", "no"), "refused", "upstream_auth"),
    (complaint(404, "NOT_FOUND", "models/x is not found"), "refused", "upstream_model_not_found"),
    (complaint(429, "RESOURCE_EXHAUSTED", "Resource exhausted"), "rate_limited", "provider_rate_limited"),
    (complaint(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted"), "refused", "upstream_billing"),
    (complaint(500, "INTERNAL", "oops"), "transient", "upstream_error"),
    (complaint(503, "UNAVAILABLE", "The model is overloaded"), "transient", "upstream_overloaded"),
    (complaint(504, "DEADLINE_EXCEEDED", "late"), "transient", "upstream_timeout"),
]


@pytest.mark.parametrize(("body", "kind", "code"), CASES)
def test_complaints_mean_the_same_as_a_status_in_a_list_and_inside_a_200(
    body: dict[str, Any], kind: str, code: str
) -> None:
    status = body["error"]["code"]
    for outcome in (failure(body, status), failure([body], status), failure(body, 200)):
        assert (outcome.kind, outcome.code) == (kind, code)


def test_s10_the_delay_in_the_details_is_heard_and_a_day_quota_rests_longer() -> None:
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "15.5s"}
    minute = {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}
    day = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
    limited = failure(complaint(429, "RESOURCE_EXHAUSTED", "x", minute, delay), 429)
    assert (limited.retry_after_s, limited.cooldown_s) == (15.5, None)
    assert failure(complaint(429, "RESOURCE_EXHAUSTED", "x", day, delay), 429).cooldown_s == 900


EMBED: dict[str, Any] = {"endpoint": "embeddings", "payload": {"model": "x", "input": ["a", "b"], "dimensions": 2}}


def test_embeddings_are_asked_for_in_one_batch_and_read_in_order() -> None:
    offer = an_offer("gemini-embedding-001", "gemini")
    call = Gemini().request(an_ask(**EMBED), offer, a_provider(base_url="https://g.test/v1beta"))
    assert call.url == "https://g.test/v1beta/models/gemini-embedding-001:batchEmbedContents"
    assert msgspec.json.decode(call.body) == {
        "requests": [
            {
                "model": "models/gemini-embedding-001",
                "content": {"parts": [{"text": text}]},
                "outputDimensionality": 2,
            }
            for text in "ab"
        ]
    }
    body = {"embeddings": [{"values": [1, 0.5]}, {"values": [0, 1]}], "usageMetadata": {"promptTokenCount": 4}}
    outcome = read(msgspec.json.encode(body), **EMBED)
    assert isinstance(outcome, Answer)
    assert outcome.usage == Usage(input_tokens=4)
    assert outcome.fields == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [1, 0.5]},
            {"object": "embedding", "index": 1, "embedding": [0, 1]},
        ],
        "model": "gemini/gemini-3.5-flash",
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }


def test_embeddings_come_as_base64_when_asked_and_without_usage_when_there_is_none() -> None:
    payload = {"model": "x", "input": "a", "encoding_format": "base64"}
    outcome = read(b'{"embeddings":[{"values":[1,-2]}]}', endpoint="embeddings", payload=payload)
    assert isinstance(outcome, Answer)
    assert outcome.fields["data"][0]["embedding"] == "AACAPwAAAMA="
    assert outcome.usage is None
    assert "usage" not in outcome.fields


@pytest.mark.parametrize(
    "body",
    [
        b'{"embeddings":[{"values":[1]}]}',
        b'{"embeddings":[{"values":[1]},{"values":[1,2]}]}',
        b'{"embeddings":[{"values":[1]},{"values":["x"]}]}',
        b'{"embeddings":[{"values":[]},{"values":[]}]}',
        b"{}",
        b"nonsense",
    ],
)
def test_b16_embeddings_that_do_not_fit_the_input_are_garbled(body: bytes) -> None:
    assert failure(body, **EMBED).kind == "garbled"


def test_token_arrays_cannot_be_embedded() -> None:
    ask = an_ask(endpoint="embeddings", payload={"model": "x", "input": [1, 2]})
    assert Gemini().unsayable(ask, a_provider()) == ("input",)


def test_models_are_listed() -> None:
    reply = Reply(status=200, headers=(), body=b'{"models":[{"name":"models/gemini-a"},{"name":"tunedModels/b"},{}]}')
    assert Gemini().listed(reply) == ("gemini-a", "tunedModels/b")
    call = Gemini().listing(a_provider(base_url="https://g.test/v1beta"))
    assert call is not None
    assert call.url == "https://g.test/v1beta/models?pageSize=1000"
