"""What a Messages request means as a chat completion."""

from typing import Any

import pytest

from gateway.dialects.inbound.messages.request import chat_payload, countable_payload
from gateway.errors import RequestError

HELLO = [{"role": "user", "content": "Hello!"}]
LEAST = {"model": "gpt-5", "max_tokens": 100, "messages": HELLO}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
MARK = {"type": "ephemeral"}


def payload(**fields: Any) -> dict[str, Any]:
    return chat_payload(LEAST | fields)


def test_the_smallest_request() -> None:
    assert payload() == {"model": "gpt-5", "messages": HELLO, "max_completion_tokens": 100}
    assert countable_payload({"model": "gpt-5", "messages": HELLO}) == {"model": "gpt-5", "messages": HELLO}


def test_a_whole_conversation_with_tools() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    told = payload(
        system=[{"type": "text", "text": "Be brief.", "cache_control": MARK}],
        tools=[{"name": "weather", "description": "Weather", "input_schema": SCHEMA, "cache_control": MARK}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
            {
                "role": "assistant",
                "content": [
                    thought,
                    {"type": "thinking", "thinking": "not signed", "signature": ""},
                    {"type": "text", "text": "I "},
                    {"type": "text", "text": "look."},
                    {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}},
                    {"type": "tool_use", "id": "b", "name": "clock", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "And?"},
                    {"type": "tool_result", "tool_use_id": "a", "content": "sunny"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "b",
                        "is_error": True,
                        "content": [{"type": "text", "text": "broken"}],
                    },
                ],
            },
        ],
    )
    assert told["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Weather", "parameters": SCHEMA},
            "cache_control": MARK,
        }
    ]
    assert (told["tool_choice"], told["parallel_tool_calls"]) == ("required", False)
    assert told["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": MARK}]},
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}},
                {"id": "b", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
            ],
            "thinking_blocks": [thought],
        },
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "broken"}], "is_error": True},
        {"role": "user", "content": [{"type": "text", "text": "And?"}]},
    ]


def test_images_and_documents() -> None:
    content = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
        {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}, "title": "T"},
    ]
    assert payload(messages=[{"role": "user", "content": content}])["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "text", "text": "T\n\nhi"},
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 5}, {"temperature": 0.5, "top_p": 0.9, "top_k": 5}),
        ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream": False}, {}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 10_000}}, {"reasoning_effort": "medium"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 32_000}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
        ({"thinking": {"type": "adaptive"}}, {}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"reasoning_effort": "max"}),
        ({"tools": [], "tool_choice": {"type": "auto"}}, {}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                }
            },
        ),
    ],
)
def test_parameters(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert payload(**fields) == payload() | expected


def test_a_cache_marker_for_all_marks_the_last_message() -> None:
    assert payload(cache_control=MARK)["messages"][-1]["cache_control"] == MARK


TURN = {"role": "user", "content": [{"type": "hologram"}]}


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"max_tokens": None}, "missing_field", "max_tokens"),
        ({"max_tokens": True}, "invalid_type", "max_tokens"),
        ({"model": 7}, "invalid_type", "model"),
        ({"messages": None}, "missing_field", "messages"),
        ({"messages": ["x"]}, "invalid_type", "messages[0]"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "unsupported_parameter", "messages[0].role"),
        ({"messages": [TURN]}, "unsupported_parameter", "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "missing_field", "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]},
            "unsupported_parameter",
            "messages[0].content[0].source.type",
        ),
        ({"tools": [{"type": "web_search_20250305"}]}, "unsupported_parameter", "tools[0].type"),
        ({"tools": [{"name": "x"}]}, "missing_field", "tools[0].input_schema"),
        ({"container": "c"}, "unsupported_parameter", "container"),
        ({"metadata": {"color": "red"}}, "unsupported_parameter", "metadata.color"),
        ({"service_tier": "gold"}, "unsupported_parameter", "service_tier"),
        ({"output_config": {"format": {"type": "xml"}}}, "unsupported_parameter", "output_config.format.type"),
    ],
)
def test_what_is_wrong_or_cannot_be_said_is_named(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(RequestError) as error:
        payload(**fields)
    assert (error.value.code, error.value.param) == (code, param)


def test_asking_for_nothing_is_easily_done() -> None:
    assert payload(container=None, mcp_servers=[], context_management={}) == payload()
