"""What a chat request becomes on Anthropic's wire."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.anthropic.dialect import Anthropic
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

PROVIDER = a_provider("anthropic", dialect="anthropic", base_url="https://api.anthropic.com")
OFFER = an_offer("claude-opus-5", "anthropic", max_output_tokens=128_000)
HELLO = [{"role": "user", "content": "Hello!"}]
HI = {"role": "user", "content": [{"type": "text", "text": "Hello!"}]}
PNG = "data:image/png;base64,iVBORw0KGgo="
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def wire(messages: Any = None, offer: Any = OFFER, stream: bool = False, **fields: Any) -> dict[str, Any]:
    ask = an_ask(payload={"model": "x", "messages": HELLO if messages is None else messages, **fields}, stream=stream)
    body: dict[str, Any] = msgspec.json.decode(Anthropic().request(ask, offer, PROVIDER).body)
    return body


def refused(messages: Any = None, **fields: Any) -> tuple[str, ...]:
    ask = an_ask(payload={"model": "x", "messages": HELLO if messages is None else messages, **fields})
    return Anthropic().unsayable(ask, PROVIDER)


def test_the_smallest_request_says_the_offers_id_and_a_limit() -> None:
    assert wire() == {"model": "claude-opus-5", "max_tokens": 128_000, "messages": [HI]}


def test_headers_carry_the_key_the_version_and_whatever_the_operator_added() -> None:
    provider = a_provider(
        base_url="https://api.anthropic.com",
        options={"version": Secret("2024-01-01"), "beta": Secret("a,b")},
        headers=(("x-team", Secret("blue")),),
    )
    call = Anthropic().request(an_ask(), OFFER, provider)
    assert call.url == "https://api.anthropic.com/v1/messages"
    assert dict(call.headers) == {
        "content-type": "application/json",
        "user-agent": "tokenhub",
        "anthropic-version": "2024-01-01",
        "x-api-key": "sk-CANARY-upstream",
        "anthropic-beta": "a,b",
        "x-team": "blue",
    }
    assert dict(Anthropic().request(an_ask(), OFFER, PROVIDER).headers)["anthropic-version"] == "2023-06-01"


def test_system_and_developer_messages_become_system_blocks_and_neighbours_become_one_turn() -> None:
    body = wire(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One"},
            {"role": "user", "content": [{"type": "text", "text": "Two", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": ""},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "assistant", "content": "Three", "refusal": None, "annotations": []},
        ]
    )
    assert body["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "One"},
                {"type": "text", "text": "Two", "cache_control": {"type": "ephemeral"}},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "Three"}]},
    ]


def test_parallel_tool_calls_and_their_results_keep_their_ids_and_share_a_turn() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    body = wire(
        [
            *HELLO,
            {
                "role": "assistant",
                "content": None,
                "thinking_blocks": [thought, {"type": "thinking", "thinking": "unsigned"}],
                "reasoning_content": "Hm.",
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
                    {"id": "b", "type": "function", "function": {"name": "weather", "arguments": ""}},
                    {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{oops"}},
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "sunny", "name": "weather"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "rain"}], "is_error": True},
            {"role": "user", "content": "Thanks"},
        ],
        tools=[WEATHER],
    )
    assert body["tools"] == [
        {
            "name": "weather",
            "description": "The weather in a city",
            "input_schema": WEATHER["function"]["parameters"],  # type: ignore[index]
        }
    ]
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                thought,
                {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}},
                {"type": "tool_use", "id": "b", "name": "weather", "input": {}},
                {"type": "tool_use", "id": "c", "name": "weather", "input": {"arguments": "{oops"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "sunny"},
                {
                    "type": "tool_result",
                    "tool_use_id": "b",
                    "content": [{"type": "text", "text": "rain"}],
                    "is_error": True,
                },
                {"type": "text", "text": "Thanks"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": {"type": "function", "function": {"name": "weather"}}}, {"type": "tool", "name": "weather"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"parallel_tool_calls": True}, None),
    ],
)
def test_tool_choice(fields: dict[str, Any], expected: Any) -> None:
    assert wire(tools=[WEATHER], **fields).get("tool_choice") == expected
    assert "tool_choice" not in wire(**fields)


def test_images_go_as_they_came_by_url_or_as_data_and_documents_too() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "auto"}},
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}},
    ]
    assert wire([{"role": "user", "content": content}])["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 7}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"temperature": 1.0, "top_p": 1}, {}),
        ({"user": "u-1"}, {"metadata": {"user_id": "u-1"}}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        (
            {"reasoning_effort": "minimal"},
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
        ),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        ({"n": 1, "seed": None, "logprobs": False, "store": False, "stream_options": {"include_usage": True}}, {}),
    ],
)
def test_parameters(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert wire(**fields) == {"model": "claude-opus-5", "max_tokens": 128_000, "messages": [HI]} | expected
    assert refused(**fields) == ()


SAMPLING = [
    ("claude-sonnet-4-20250514", {"temperature": 0.5, "top_p": 0.9}, ()),
    ("claude-3-haiku-20240307", {"temperature": 0, "top_k": 3}, ()),
    ("some-other-model", {"temperature": 0.5, "top_p": 0.9, "top_k": 3}, ()),
    ("claude-sonnet-4-6", {"temperature": 0.5}, ()),
    ("claude-sonnet-4-6", {"temperature": 0.5, "top_p": 0.9}, ("top_p",)),
    ("claude-opus-4-7", {"temperature": 0.5, "top_p": 0.9}, ("temperature", "top_p")),
    ("claude-opus-5", {"temperature": 0}, ("temperature",)),
    ("claude-haiku-5-5", {"top_k": 3, "temperature": 1}, ("top_k",)),
]


@pytest.mark.parametrize(("model", "fields", "named"), SAMPLING)
def test_newer_models_choose_their_words_by_themselves(
    model: str, fields: dict[str, Any], named: tuple[str, ...]
) -> None:
    ask = an_ask(payload={"messages": [{"role": "user", "content": "Hello!"}], **fields})
    offer = an_offer(model, "anthropic")
    assert Anthropic().unsupported(ask, PROVIDER, offer) == named
    sent = {name: value for name, value in fields.items() if name not in named and (name, value) != ("temperature", 1)}
    body = wire(offer=offer, **fields)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent


def test_older_models_think_within_a_budget_that_leaves_room_for_the_answer() -> None:
    haiku = an_offer("claude-haiku-4-5", "anthropic", max_output_tokens=64_000)
    assert wire(offer=haiku, reasoning_effort="high")["thinking"] == {"type": "enabled", "budget_tokens": 24_576}
    limited = wire(offer=haiku, reasoning_effort="high", max_completion_tokens=3000)
    assert limited["thinking"] == {"type": "enabled", "budget_tokens": 2999}
    assert "thinking" not in wire(offer=haiku, reasoning_effort="low", max_completion_tokens=500)
    assert "thinking" not in wire(offer=haiku, reasoning_effort="none")


VERBATIM: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("claude-opus-5", {"type": "adaptive"}, {}, {"thinking": {"type": "adaptive"}}),
    (
        "claude-opus-5",
        {"type": "adaptive", "display": "summarized"},
        {"reasoning_effort": "max"},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}},
    ),
    (
        "claude-opus-5",
        {"type": "enabled", "budget_tokens": 2000},
        {"reasoning_effort": "low"},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
    ),
    (
        "claude-haiku-4-5",
        {"type": "enabled", "budget_tokens": 2000},
        {"reasoning_effort": "low"},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    ),
    (
        "claude-haiku-4-5",
        {"type": "enabled", "budget_tokens": 31_999},
        {"max_tokens": 4000},
        {"thinking": {"type": "enabled", "budget_tokens": 3999}},
    ),
    ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 31_999}, {"max_tokens": 1000}, {}),
    ("claude-haiku-4-5", {"type": "adaptive"}, {}, {}),
]


@pytest.mark.parametrize(("model", "thinking", "fields", "expected"), VERBATIM)
def test_thinking_that_was_asked_for_in_anthropics_own_words_is_passed_on(
    model: str, thinking: dict[str, Any], fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    payload = {"messages": [{"role": "user", "content": "Hello!"}], **fields}
    ask = an_ask(surface="messages", said={"thinking": thinking}, payload=payload)
    sent = msgspec.json.decode(Anthropic().request(ask, an_offer(model, "anthropic"), PROVIDER).body)
    assert {name: sent[name] for name in ("thinking", "output_config") if name in sent} == expected


def test_a_schema_is_asked_for_natively_and_what_cannot_be_enforced_is_told() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0},
            "tags": {"type": "array", "items": {"oneOf": [{"type": "string", "format": "regex"}]}},
        },
        "required": ["age"],
    }
    body = wire(
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
        reasoning_effort="high",
    )
    assert body["output_config"] == {
        "effort": "high",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {
                    "age": {"type": "integer", "description": "{minimum: 0}"},
                    "tags": {
                        "type": "array",
                        "items": {"anyOf": [{"type": "string", "description": "{format: regex}"}]},
                    },
                },
                "required": ["age"],
                "additionalProperties": False,
            },
        },
    }


def test_json_without_a_schema_is_asked_for_in_the_system_prompt() -> None:
    body = wire(response_format={"type": "json_object"})
    assert "JSON object" in body["system"][0]["text"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"temperature": 1.5}, ("temperature",)),
        ({"n": 2, "seed": 1}, ("n", "seed")),
        ({"logprobs": True, "top_logprobs": 3}, ("logprobs", "top_logprobs")),
        ({"presence_penalty": 0.1, "frequency_penalty": 0}, ("presence_penalty",)),
        ({"logit_bias": {"1": 2}}, ("logit_bias",)),
        ({"service_tier": "flex"}, ("service_tier",)),
        ({"reasoning_effort": "heroic"}, ("reasoning_effort",)),
        ({"modalities": ["text", "audio"]}, ("modalities",)),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, ("response_format",)),
        ({"tool_choice": {"type": "allowed_tools"}}, ("tool_choice",)),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, ("tools[0]",)),
        ({"wobble": 3}, ("wobble",)),
        ({"messages": [{"role": "function", "content": "x"}]}, ("messages[0].role",)),
        ({"messages": [{"role": "user", "content": "x", "name": "bob"}]}, ("messages[0].name",)),
        (
            {"messages": [*HELLO, {"role": "user", "content": [{"type": "input_audio"}]}]},
            ("messages[1].content[0].type",),
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f-1"}}]}]},
            ("messages[0].content[0].file.file_id",),
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "custom"}]}]},
            ("messages[0].tool_calls[0]",),
        ),
    ],
)
def test_what_cannot_be_said_is_refused_by_name_and_left_out(fields: dict[str, Any], named: tuple[str, ...]) -> None:
    assert refused(**fields) == named
    body = wire(**fields)
    assert not set(body) & (set(fields) - {"messages"})
