"""What Bedrock answers, whole and in frames, becomes OpenAI's words."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Seal
from gateway.dialects.bedrock.dialect import Bedrock
from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.call import Headers, Reply
from gateway.domain.trail import Failure
from tests.builders import an_ask

from .frames import event, exception, frame

BEDROCK = Bedrock()
SEAL = Seal(id="chatcmpl-th-1", created=7, provider="aws", model="claude")
USAGE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "totalTokens": 115,
    "cacheReadInputTokens": 90,
    "cacheWriteInputTokens": 10,
}
BUCKETS = Usage(input_tokens=10, cache_read_tokens=90, cache_write_tokens=10, output_tokens=5)


def a_reply(content: list[Any], reason: str = "end_turn", **more: Any) -> Reply:
    fields = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reason,
        "usage": USAGE,
    } | more
    return Reply(status=200, headers=(), body=json.dumps(fields).encode())


def read(reply: Reply) -> Answer:
    answer = BEDROCK.answer(an_ask(), reply, SEAL)
    assert isinstance(answer, Answer), answer
    return answer


def fail(reply: Reply) -> Failure:
    failure = BEDROCK.answer(an_ask(), reply, SEAL)
    assert isinstance(failure, Failure), failure
    return failure


def test_text_thoughts_and_calls_are_told_apart() -> None:
    answer = read(
        a_reply(
            [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
                {"text": "Let me "},
                {"citationsContent": {"content": [{"text": "look."}], "citations": []}},
                {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "sky"}}},
                {"toolUse": {"toolUseId": "t2", "name": "listen", "input": {}}},
            ],
            "tool_use",
        )
    )
    assert answer.usage == BUCKETS
    assert answer.model == "claude"
    fields = json.loads(json.dumps(answer.fields))
    assert fields["model"] == "aws/claude"
    assert fields["id"] == "chatcmpl-th-1"
    assert fields["usage"]["prompt_tokens"] == 110
    assert fields["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Let me look.",
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}},
                    {"id": "t2", "type": "function", "function": {"name": "listen", "arguments": "{}"}},
                ],
                "reasoning_content": "Hm.",
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "c2VjcmV0"},
                ],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        }
    ]


REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "something_new": "stop",
}


@pytest.mark.parametrize(("theirs", "ours"), REASONS.items())
def test_a_stop_reason_is_translated(theirs: str, ours: str) -> None:
    assert read(a_reply([{"text": "x"}], theirs)).fields["choices"][0]["finish_reason"] == ours


@pytest.mark.parametrize("reason", ["malformed_tool_use", "malformed_model_output"])
def test_an_answer_that_bedrock_could_not_read_is_garbled_and_may_be_tried_again(reason: str) -> None:
    failure = fail(a_reply([], reason))
    assert (failure.kind, failure.same_offer) == ("garbled", True)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"inputTokens": -1, "outputTokens": 1},
        {"inputTokens": "1", "outputTokens": 1},
        {"inputTokens": 10**18, "outputTokens": 1},
    ],
)
def test_b08_usage_that_cannot_be_true_is_no_usage(usage: Any) -> None:
    answer = read(a_reply([{"text": "four"}], usage=usage))
    assert answer.usage is None
    assert "usage" not in answer.fields
    assert answer.output_chars == 4


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"output":{"message":{}}}', b"\xff", b"[" * 100_000])
def test_b01_an_answer_that_is_none_is_garbled(body: bytes) -> None:
    assert fail(Reply(status=200, headers=(), body=body)).kind == "garbled"


TOLD = ("x-amzn-errortype", "{}:http://internal.amazon.com/coral/com.amazon.bedrock/")
COMPLAINTS: list[tuple[int, str, str, str, str]] = [
    (429, "ThrottlingException", "Too many requests, please wait.", "rate_limited", "provider_rate_limited"),
    (400, "ServiceQuotaExceededException", "Quota.", "rate_limited", "provider_rate_limited"),
    (429, "ModelNotReadyException", "Not ready.", "transient", "upstream_overloaded"),
    (503, "ServiceUnavailableException", "Later.", "transient", "upstream_overloaded"),
    (408, "ModelTimeoutException", "Slow.", "transient", "upstream_timeout"),
    (424, "ModelErrorException", "Oops.", "transient", "upstream_error"),
    (500, "InternalServerException", "Oops.", "transient", "upstream_error"),
    (403, "AccessDeniedException", "Not allowed.", "refused", "upstream_auth"),
    (
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        "refused",
        "upstream_auth",
    ),
    (403, "ExpiredTokenException", "Expired.", "refused", "upstream_auth"),
    (403, "InvalidSignatureException", "Signature expired.", "refused", "upstream_auth"),
    (404, "ResourceNotFoundException", "No such model.", "refused", "upstream_model_not_found"),
    (400, "ValidationException", "The provided model identifier is invalid.", "refused", "upstream_model_not_found"),
    (
        400,
        "ValidationException",
        "Invocation of model ID x with on-demand throughput isn’t supported.",
        "refused",
        "upstream_model_not_found",
    ),
    (
        400,
        "ValidationException",
        "Input is too long for requested model.",
        "context_overflow",
        "context_length_exceeded",
    ),
    (
        400,
        "ValidationException",
        "The model returned the following errors: prompt is too long: 200049 tokens > 200000 maximum",
        "context_overflow",
        "context_length_exceeded",
    ),
    (
        400,
        "ValidationException",
        "input length and `max_tokens` exceed context limit: 196395 + 64000 > 204698",
        "context_overflow",
        "context_length_exceeded",
    ),
    (
        400,
        "ValidationException",
        "The maximum tokens you requested exceeds the model limit of 4096.",
        "bad_request",
        "invalid_request",
    ),
    (418, "TeapotException", "Short and stout.", "refused", "upstream_error"),
]


@pytest.mark.parametrize(("status", "name", "message", "kind", "code"), COMPLAINTS)
@pytest.mark.parametrize("place", ["header", "body"])
def test_a_complaint_is_understood(status: int, name: str, message: str, kind: str, code: str, place: str) -> None:
    headers: Headers = ((TOLD[0], TOLD[1].format(name)),) if place == "header" else ()
    body = {"message": message} | ({"__type": f"com.amazon.coral.service#{name}"} if place == "body" else {})
    failure = fail(Reply(status=status, headers=headers, body=json.dumps(body).encode()))
    assert (failure.kind, failure.code, failure.status) == (kind, code, status)
    assert failure.message[:4] == message[:4]


def test_a_quota_for_the_day_makes_the_offer_rest() -> None:
    reply = Reply(status=429, headers=(), body=b'{"__type":"ThrottlingException","message":"Too many tokens per day."}')
    assert fail(reply).cooldown_s == 300.0


STREAM = [
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}),
    event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "sig"}}}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Größe "}, "p": "abcdef"}),
    event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "€"}}),
    event("contentBlockStop", {"contentBlockIndex": 1}),
    event("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "look"}}}),
    event("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"at":'}}}),
    event("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '"sky"}'}}}),
    event("contentBlockStop", {"contentBlockIndex": 2}),
    event("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t2", "name": "listen"}}}),
    event("contentBlockStop", {"contentBlockIndex": 3}),
    event("messageStop", {"stopReason": "tool_use"}),
    event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
]
WHOLE = b"".join(STREAM)


def replay(*pieces: bytes) -> list[Chunk | Failure]:
    reader = BEDROCK.reader(an_ask(stream=True), SEAL)
    return [one for piece in pieces for one in reader.feed(piece)] + reader.end()


def deltas(out: list[Chunk | Failure]) -> list[dict[str, Any]]:
    chunks = [json.loads(chunk.data) for chunk in out if isinstance(chunk, Chunk)]
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def test_a_stream_becomes_chunks() -> None:
    out = replay(WHOLE)
    assert deltas(out) == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm."},
        {"thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}]},
        {"content": "Größe "},
        {"content": "€"},
        {"tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": {"name": "look", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"at":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"sky"}'}}]},
        {"tool_calls": [{"index": 1, "id": "t2", "type": "function", "function": {"name": "listen", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]
    last = out[-1]
    assert isinstance(last, Chunk)
    assert last.usage == BUCKETS
    assert last.usage_only


def test_e10_every_cut_of_a_stream_gives_the_same_chunks() -> None:
    expected = replay(WHOLE)
    for cut in range(len(WHOLE)):
        assert replay(WHOLE[:cut], WHOLE[cut:]) == expected


@settings(max_examples=30, deadline=None)
@given(size=st.integers(1, 64))
def test_pieces_of_any_size_give_the_same_chunks(size: int) -> None:
    assert replay(*(WHOLE[at : at + size] for at in range(0, len(WHOLE), size))) == replay(WHOLE)


@pytest.mark.parametrize("events", range(len(STREAM) - 2))
def test_e04_a_stream_that_ends_without_a_finish_is_a_failure(events: int) -> None:
    last = replay(b"".join(STREAM[:events]))[-1]
    assert isinstance(last, Failure)
    assert (last.kind, last.code) == ("transient", "upstream_incomplete")


def test_a_stream_without_usage_is_whole() -> None:
    assert all(isinstance(one, Chunk) for one in replay(*STREAM[:-1]))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttlingException", "rate_limited"),
        ("modelStreamErrorException", "transient"),
        ("internalServerException", "transient"),
        ("serviceUnavailableException", "transient"),
        ("validationException", "bad_request"),
    ],
)
@pytest.mark.parametrize("before", [0, 6])
def test_e03_an_exception_in_the_stream_is_a_failure(kind: str, expected: str, before: int) -> None:
    out = replay(*STREAM[:before], exception(kind, "Sorry."), *STREAM[before:])
    last = out[-1]
    assert isinstance(last, Failure)
    assert (last.kind, last.message) == (expected, "Sorry.")
    assert sum(isinstance(one, Failure) for one in out) == 1


def test_an_error_frame_without_a_payload_is_a_failure() -> None:
    wire = frame({":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Gone."}, b"")
    (failure,) = replay(wire)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.message) == ("transient", "Gone.")


def test_e17_bad_json_in_a_frame_is_a_failure() -> None:
    (failure,) = replay(frame({":message-type": "event", ":event-type": "messageStart"}, b"{"))
    assert isinstance(failure, Failure)
    assert failure.kind == "garbled"


def test_a_corrupt_frame_in_the_middle_is_a_failure_that_says_where() -> None:
    broken = bytearray(WHOLE)
    at = sum(map(len, STREAM[:5]))
    broken[at + 60] ^= 1
    out = replay(bytes(broken))
    assert isinstance(out[-1], Failure)
    assert f"byte {at} " in out[-1].message
    assert len(deltas(out)) == 4


def test_an_answer_that_turned_out_malformed_is_a_failure() -> None:
    out = replay(STREAM[0], event("messageStop", {"stopReason": "malformed_tool_use"}))
    assert isinstance(out[-1], Failure)


def test_an_unknown_event_carries_nothing() -> None:
    assert replay(STREAM[0], event("somethingNew", {"x": 1}), *STREAM[1:]) == replay(WHOLE)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "text",
                        "toolUse",
                        "reasoningContent",
                        "output",
                        "message",
                        "content",
                        "delta",
                        "start",
                        "usage",
                        "input",
                        "contentBlockIndex",
                        "stopReason",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_nothing_that_bedrock_says_makes_us_raise(said: Any) -> None:
    BEDROCK.answer(an_ask(), Reply(status=200, headers=(), body=json.dumps(said).encode()), SEAL)
    BEDROCK.answer(an_ask(), Reply(status=400, headers=(), body=json.dumps(said).encode()), SEAL)
    for kind in (
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ):
        replay(event(kind, said))


def an_embedding(**payload: Any) -> Any:
    return an_ask(endpoint="embeddings", payload={"model": "m", **payload})


def test_a_titan_vector_is_told_in_openai_words() -> None:
    reply = Reply(status=200, headers=(), body=b'{"embedding":[0.5,-1.0],"inputTextTokenCount":3}')
    answer = BEDROCK.answer(an_embedding(input="a", encoding_format="base64"), reply, SEAL)
    assert isinstance(answer, Answer)
    assert answer.fields["data"] == [{"object": "embedding", "index": 0, "embedding": "AAAAPwAAgL8="}]
    assert answer.usage == Usage(input_tokens=3)


@pytest.mark.parametrize("vectors", [{"float": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]]])
def test_cohere_vectors_are_told_in_openai_words(vectors: Any) -> None:
    headers = (("x-amzn-bedrock-input-token-count", "9"),)
    reply = Reply(status=200, headers=headers, body=json.dumps({"embeddings": vectors, "id": "x"}).encode())
    answer = BEDROCK.answer(an_embedding(input=["a", "b"]), reply, SEAL)
    assert isinstance(answer, Answer)
    assert [row["embedding"] for row in answer.fields["data"]] == [[1, 2], [3, 4]]
    assert answer.usage == Usage(input_tokens=9)


def test_models_that_are_listed_are_named() -> None:
    reply = Reply(status=200, headers=(), body=b'{"modelSummaries":[{"modelId":"a"},{"modelId":"b"},{}]}')
    assert BEDROCK.listed(reply) == ("a", "b")
    assert isinstance(BEDROCK.listed(Reply(status=200, headers=(), body=b"{}")), Failure)
    assert isinstance(BEDROCK.listed(Reply(status=403, headers=(), body=b"{}")), Failure)
