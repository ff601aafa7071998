"""Cohere's version 2: what is sent, what comes back whole, and what comes back in events."""

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Seal
from gateway.dialects.cohere.dialect import Cohere
from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

COHERE = Cohere()
PLACE = a_provider("cohere", base_url="https://api.cohere.com", api_key=Secret("co-CANARY"))
SEAL = Seal(id="chatcmpl-th-1", created=7, provider="cohere", model="command-a")
TOOL = {"type": "function", "function": {"name": "look", "description": "Look", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "listen"}}


def asked(*messages: dict[str, Any], **fields: Any) -> Ask:
    payload = {"model": "m", "messages": list(messages) or [{"role": "user", "content": "Hi"}], **fields}
    return an_ask(payload=payload, stream=bool(fields.get("stream")))


def wire(ask: Ask) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(COHERE.request(ask, an_offer("command-a", "cohere"), PLACE).body)
    return body


def test_a_call_goes_to_version_two_with_the_key_as_a_bearer() -> None:
    call = COHERE.request(asked(), an_offer("command-a", "cohere"), PLACE)
    assert call.url == "https://api.cohere.com/v2/chat"
    assert dict(call.headers)["authorization"] == "Bearer co-CANARY"
    assert wire(asked()) == {"model": "command-a", "messages": [{"role": "user", "content": "Hi"}], "stream": False}


def test_a_conversation_with_tools_is_told() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.example/y.png", "detail": "low"}}
    ask = asked(
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
        {
            "role": "assistant",
            "content": "I will look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "blue"},
        {
            "role": "assistant",
            "content": "Blue.",
            "reasoning_content": "Hm.",
            "thinking_blocks": [{"type": "thinking", "thinking": "Hm."}],
        },
        {"role": "user", "content": "Sure?"},
        tools=[TOOL],
        stream=True,
    )
    assert COHERE.unsayable(ask, PLACE) == ()
    body = wire(ask)
    assert body["stream"] is True
    assert body["tools"] == [TOOL]
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}}],
            "tool_plan": "I will look.",
        },
        {"role": "tool", "tool_call_id": "c1", "content": "blue"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Blue."}]},
        {"role": "user", "content": "Sure?"},
    ]


DECLARED = {"type": "function", "function": {"name": "listen", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_completion_tokens": 5, "stop": ["A", "B"]}, {"max_tokens": 5, "stop_sequences": ["A", "B"]}),
        ({"temperature": 0.5, "top_p": 1, "top_k": 3, "seed": 7}, {"temperature": 0.5, "p": 0.99, "k": 3, "seed": 7}),
        ({"presence_penalty": 0.5, "frequency_penalty": 0}, {"presence_penalty": 0.5, "frequency_penalty": 0}),
        ({"tools": [TOOL], "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": "REQUIRED"}),
        ({"tools": [TOOL], "tool_choice": "none"}, {"tools": [TOOL], "tool_choice": "NONE"}),
        ({"tools": [TOOL], "tool_choice": "auto"}, {"tools": [TOOL]}),
        (
            {"tools": [TOOL, OTHER], "tool_choice": {"type": "function", "function": {"name": "listen"}}},
            {"tools": [DECLARED], "tool_choice": "REQUIRED"},
        ),
        ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}},
            {"response_format": {"type": "json_object", "json_schema": SCHEMA}},
        ),
        ({"reasoning_effort": "low"}, {"thinking": {"type": "enabled", "token_budget": 1024}}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
    ],
)
def test_a_setting_finds_its_place(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert COHERE.unsayable(asked(**fields), PLACE) == ()
    body = wire(asked(**fields))
    assert {name: value for name, value in body.items() if name not in {"model", "messages", "stream"}} == expected


def test_strict_tools_are_strict() -> None:
    strict = {"type": "function", "function": {"name": "look", "strict": True}}
    assert wire(asked(tools=[strict]))["strict_tools"] is True


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"presence_penalty": -1}, "presence_penalty"),
        ({"stop": ["1", "2", "3", "4", "5", "6"]}, "stop"),
        ({"user": "u"}, "user"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages[0].content[0].type",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "x"}}]}
                ]
            },
            "messages[0].content[0].image_url.detail",
        ),
    ],
)
def test_what_cohere_cannot_say_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    assert COHERE.unsayable(asked(**fields), PLACE) == (named,)
    wire(asked(**fields))


def test_marks_of_a_cache_and_unknown_details_are_left_out_and_the_part_stays() -> None:
    image = {"type": "image_url", "image_url": {"url": "u", "detail": "x"}}
    ask = asked(
        {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}, image]}
    )
    assert wire(ask)["messages"][0]["content"] == [
        {"type": "text", "text": "x"},
        {"type": "image_url", "image_url": {"url": "u"}},
    ]


USAGE = {"billed_units": {"input_tokens": 10, "output_tokens": 5}, "tokens": {"input_tokens": 70, "output_tokens": 9}}


def a_reply(message: Any, reason: str = "COMPLETE", usage: Any = USAGE) -> Reply:
    fields = {"id": "x", "message": message, "finish_reason": reason, "usage": usage}
    return Reply(status=200, headers=(), body=json.dumps(fields).encode())


def read(reply: Reply) -> Answer:
    answer = COHERE.answer(asked(), reply, SEAL)
    assert isinstance(answer, Answer), answer
    return answer


def test_text_and_thoughts_are_told_apart() -> None:
    content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]
    answer = read(a_reply({"role": "assistant", "content": content}))
    assert answer.fields["choices"][0] == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": "Yes.",
            "reasoning_content": "Hm.",
            "thinking_blocks": [{"type": "thinking", "thinking": "Hm."}],
        },
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert answer.fields["model"] == "cohere/command-a"
    assert answer.usage == Usage(input_tokens=10, output_tokens=5)


def test_calls_come_with_their_plan_as_text() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}}
    choice = read(a_reply({"tool_plan": "I will look.", "tool_calls": [call]}, "TOOL_CALL")).fields["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "I will look.", "tool_calls": [call]}
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("COMPLETE", "stop"), ("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length"), ("NEW", "stop")],
)
def test_a_finish_reason_is_translated(theirs: str, ours: str) -> None:
    answer = read(a_reply({"content": [{"type": "text", "text": "x"}]}, theirs))
    assert answer.fields["choices"][0]["finish_reason"] == ours


@pytest.mark.parametrize(("reason", "code"), [("ERROR", "upstream_error"), ("TIMEOUT", "upstream_timeout")])
def test_an_end_by_error_is_a_failure(reason: str, code: str) -> None:
    failure = COHERE.answer(asked(), a_reply({"content": []}, reason), SEAL)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == ("transient", code)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"tokens": {"input_tokens": 3.0, "output_tokens": 4}}, Usage(input_tokens=3, output_tokens=4)),
        ({**USAGE, "cached_tokens": 4}, Usage(input_tokens=6, cache_read_tokens=4, output_tokens=5)),
        ({"billed_units": {"input_tokens": -3, "output_tokens": 4}}, None),
        ({"billed_units": {"input_tokens": 1.5, "output_tokens": 4}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_b08_usage_is_what_is_billed_if_it_can_be_true(usage: Any, expected: Usage | None) -> None:
    assert read(a_reply({"content": [{"type": "text", "text": "x"}]}, usage=usage)).usage == expected


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (400, "invalid request: valid input_type must be provided", "bad_request", "invalid_request"),
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 4081",
            "context_overflow",
            "context_length_exceeded",
        ),
        (400, "too many tokens: max tokens must be less than or equal to 4096", "bad_request", "invalid_request"),
        (401, "invalid api token", "refused", "upstream_auth"),
        (402, "Please add or update your payment method", "refused", "upstream_billing"),
        (404, "model 'x' not found", "refused", "upstream_model_not_found"),
        (
            429,
            "You are using a Trial key, which is limited to 40 API calls / minute.",
            "rate_limited",
            "provider_rate_limited",
        ),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month.", "refused", "upstream_billing"),
        (498, "A deny-listed token was found.", "bad_request", "content_filter"),
        (499, "request cancelled", "transient", "upstream_error"),
        (500, "internal server error", "transient", "upstream_error"),
        (503, "overloaded", "transient", "upstream_error"),
    ],
)
def test_a_complaint_is_understood(status: int, message: str, kind: str, code: str) -> None:
    failure = COHERE.refusal(status, (), json.dumps({"message": message}).encode())
    assert (failure.kind, failure.code) == (kind, code)


def sse(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


def content(index: int, **said: str) -> dict[str, Any]:
    return {"index": index, "delta": {"message": {"content": said}}}


def tool(index: int, call: dict[str, Any]) -> dict[str, Any]:
    return {"index": index, "delta": {"message": {"tool_calls": call}}}


END = sse("message-end", delta={"finish_reason": "TOOL_CALL", "usage": USAGE})
STREAM = [
    sse("message-start", id="x", delta={"message": {"role": "assistant", "content": [], "tool_calls": []}}),
    sse("content-start", **content(0, type="thinking", thinking="")),
    sse("content-delta", **content(0, thinking="Hm.")),
    sse("content-end", index=0),
    sse("content-start", **content(1, type="text", text="")),
    sse("content-delta", **content(1, text="Größe €")),
    sse("content-end", index=1),
    sse("tool-plan-delta", delta={"message": {"tool_plan": "I will look."}}),
    sse("citation-start", index=0, delta={}),
    sse("tool-call-start", **tool(1, {"id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}})),
    sse("tool-call-delta", **tool(1, {"function": {"arguments": '{"at":'}})),
    sse("tool-call-delta", **tool(1, {"function": {"arguments": '"sky"}'}})),
    sse("tool-call-end", index=1),
    sse(
        "tool-call-start", **tool(2, {"id": "c2", "type": "function", "function": {"name": "listen", "arguments": ""}})
    ),
    sse("tool-call-end", index=2),
    END,
]
WHOLE = b"".join(STREAM)


def replay(*pieces: bytes) -> list[Chunk | Failure]:
    reader = COHERE.reader(asked(stream=True), SEAL)
    return [one for piece in pieces for one in reader.feed(piece)] + reader.end()


def deltas(out: list[Chunk | Failure]) -> list[dict[str, Any]]:
    chunks = [json.loads(chunk.data) for chunk in out if isinstance(chunk, Chunk)]
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def test_a_stream_becomes_chunks() -> None:
    out = replay(WHOLE)
    assert deltas(out) == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm."},
        {"thinking_blocks": [{"type": "thinking", "thinking": "Hm."}]},
        {"content": "Größe €"},
        {"content": "I will look."},
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"at":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"sky"}'}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "listen", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]
    finish, usage = out[-2:]
    assert isinstance(finish, Chunk)
    assert finish.finish
    assert isinstance(usage, Chunk)
    assert usage.usage == Usage(input_tokens=10, output_tokens=5)
    assert usage.usage_only


def test_e10_every_cut_of_a_stream_gives_the_same_chunks() -> None:
    expected = replay(WHOLE)
    for cut in range(len(WHOLE)):
        assert replay(WHOLE[:cut], WHOLE[cut:]) == expected


def test_what_comes_behind_the_end_says_nothing() -> None:
    assert replay(WHOLE, b"data: [DONE]\n\n", STREAM[2]) == replay(WHOLE)


@pytest.mark.parametrize("events", range(len(STREAM)))
def test_e04_a_stream_that_ends_without_a_finish_is_a_failure(events: int) -> None:
    last = replay(b"".join(STREAM[:events]))[-1]
    assert isinstance(last, Failure)
    assert last.code == "upstream_incomplete"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b"data: {\n\n", "garbled"),
        (b"data: []\n\n", "garbled"),
        (b'data: {"message":"internal server error"}\n\n', "transient"),
        (sse("message-end", delta={"finish_reason": "ERROR", "error": "boom"}), "transient"),
    ],
)
def test_e17_a_broken_event_is_a_failure_and_the_last_thing_said(event: bytes, kind: str) -> None:
    out = replay(*STREAM[:6], event, *STREAM[6:])
    assert isinstance(out[-1], Failure)
    assert out[-1].kind == kind
    assert sum(isinstance(one, Failure) for one in out) == 1


NAMES = ["type", "delta", "message", "content", "text", "thinking", "tool_calls", "function", "index", "usage", "id"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(ANYTHING)
def test_nothing_that_cohere_says_makes_us_raise(said: Any) -> None:
    body = json.dumps(said).encode()
    COHERE.answer(asked(), Reply(status=200, headers=(), body=body), SEAL)
    COHERE.answer(asked(), Reply(status=400, headers=(), body=body), SEAL)
    COHERE.answer(an_ask(endpoint="embeddings", payload={"input": "a"}), Reply(status=200, headers=(), body=body), SEAL)
    for kind in (
        "message-start",
        "content-delta",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "message-end",
    ):
        replay(sse(kind, delta=said, index=said))


def embedding(**payload: Any) -> Ask:
    return an_ask(endpoint="embeddings", payload={"model": "m", **payload})


def test_embeddings_are_asked_for() -> None:
    ask = embedding(input=["a", "b"], dimensions=256, encoding_format="base64")
    assert COHERE.unsayable(ask, PLACE) == ()
    assert wire(ask) == {
        "model": "command-a",
        "texts": ["a", "b"],
        "input_type": "search_document",
        "embedding_types": ["base64"],
        "truncate": "NONE",
        "output_dimension": 256,
    }
    place = a_provider("cohere", options=MappingProxyType({"input_type": Secret("clustering")}))
    assert json.loads(COHERE.request(embedding(input="a"), an_offer(), place).body)["input_type"] == "clustering"


@pytest.mark.parametrize("given", [[1, 2], [[1], [2]], ["x"] * 97])
def test_tokens_and_too_many_texts_cannot_be_embedded(given: Any) -> None:
    assert COHERE.unsayable(embedding(input=given), PLACE) == ("input",)


@pytest.mark.parametrize(
    ("given", "wanted", "vectors", "expected"),
    [
        ("a", "float", {"float": [[0.5, -1.0]]}, [[0.5, -1.0]]),
        ("a", "base64", {"base64": ["AAAAPwAAgL8="]}, ["AAAAPwAAgL8="]),
        ("a", "base64", {"float": [[0.5, -1.0]]}, ["AAAAPwAAgL8="]),
        ("a", "float", {"base64": ["AAAAPwAAgL8="]}, [[0.5, -1.0]]),
    ],
)
def test_embeddings_come_in_the_form_that_was_asked_for(given: Any, wanted: str, vectors: Any, expected: Any) -> None:
    body = json.dumps({"embeddings": vectors, "meta": {"billed_units": {"input_tokens": 3}}}).encode()
    ask = embedding(input=given, encoding_format=wanted)
    answer = COHERE.answer(ask, Reply(status=200, headers=(), body=body), SEAL)
    assert isinstance(answer, Answer)
    assert [row["embedding"] for row in answer.fields["data"]] == expected
    assert answer.fields["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize(
    "vectors",
    [[], [[1], [2]], [[]], [["x"]], [None], [[1e300]], {"base64": ["!"]}, {"base64": ["AAA="]}, {"int8": [[1]]}],
)
def test_b16_embeddings_of_wrong_number_or_kind_are_garbled(vectors: Any) -> None:
    body = json.dumps({"embeddings": vectors}).encode()
    failure = COHERE.answer(embedding(input="a"), Reply(status=200, headers=(), body=body), SEAL)
    assert isinstance(failure, Failure)
    assert failure.kind == "garbled"


def test_models_are_listed() -> None:
    listing = COHERE.listing(PLACE)
    assert listing is not None
    assert listing.url == "https://api.cohere.com/v1/models?page_size=1000"
    assert COHERE.listed(Reply(status=200, headers=(), body=b'{"models":[{"name":"a"},{}]}')) == ("a",)
