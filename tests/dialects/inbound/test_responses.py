"""Responses in and out, read by the official SDK."""

from typing import Any

import msgspec
import openai
import pytest

from gateway.dialects.chunks import delta_chunk
from gateway.dialects.inbound.responses.answer import response
from gateway.dialects.inbound.responses.items import sealed, unsealed
from gateway.dialects.inbound.responses.request import chat_payload
from gateway.dialects.inbound.responses.writer import ResponsesWriter
from gateway.domain.answer import Chunk, Usage
from gateway.errors import RequestError
from tests.dialects.inbound.sdk import EVENTS, answering
from tests.dialects.inbound.stories import CHUNKS, HEAD, THOUGHT, USAGE, WHOLE, answered, call, more

ASKED: dict[str, Any] = {"model": "gpt-5", "input": "Hello!", "metadata": {"a": "b"}, "temperature": 0.5}
COUNTED = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 17,
}
OUTPUT = [
    {
        "id": "rs_01ulid_0",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": sealed([THOUGHT]),
    },
    {
        "id": "msg_01ulid_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Let me see.", "annotations": [], "logprobs": []}],
    },
    {
        "id": "fc_01ulid_2",
        "type": "function_call",
        "status": "completed",
        "call_id": "a",
        "name": "weather",
        "arguments": '{"city":"Rome"}',
    },
    {
        "id": "fc_01ulid_3",
        "type": "function_call",
        "status": "completed",
        "call_id": "b",
        "name": "clock",
        "arguments": "",
    },
]


def payload(**fields: Any) -> dict[str, Any]:
    return chat_payload({"model": "gpt-5", "input": "Hello!"} | fields)


def client(address: str) -> openai.OpenAI:
    return openai.OpenAI(api_key="th-x", base_url=address, max_retries=0)


def told(chunks: list[Chunk], usage: Usage | None = None) -> bytes:
    writer = ResponsesWriter(ASKED)
    return b"".join([frame for chunk in chunks for frame in writer.feed(chunk)] + writer.done(usage))


def events(raw: bytes) -> list[dict[str, Any]]:
    found = []
    for number, block in enumerate(raw.decode().split("\n\n")[:-1]):
        name, data = block.split("\n")
        fields = msgspec.json.decode(data.removeprefix("data: "))
        assert name == f"event: {fields['type']}"
        assert fields["sequence_number"] == number
        found.append(fields)
    return found


def test_the_smallest_request() -> None:
    messages = [{"role": "user", "content": "Hello!"}]
    assert payload() == {"model": "gpt-5", "messages": messages}


def test_items_become_messages_and_calls_join_the_one_they_belong_to() -> None:
    items = [
        {"role": "developer", "content": "Be brief."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            ],
        },
        *OUTPUT,
        {"type": "function_call_output", "call_id": "a", "output": "sunny"},
        {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "noon"}]},
        {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAAA-from-elsewhere"},
        {"type": "function_call", "call_id": "c", "name": "moon", "arguments": "{}"},
    ]
    assert payload(input=items, instructions="Speak.")["messages"] == [
        {"role": "system", "content": "Speak."},
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Let me see.",
            "thinking_blocks": [THOUGHT],
            "tool_calls": [call(None, "a", "weather", '{"city":"Rome"}'), call(None, "b", "clock", "")],
        },
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "noon"}]},
        {"role": "assistant", "content": None, "tool_calls": [call(None, "c", "moon", "{}")]},
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_output_tokens": 99}, {"max_completion_tokens": 99}),
        ({"temperature": 0.5, "top_p": 0.9, "user": "u"}, {"temperature": 0.5, "top_p": 0.9, "user": "u"}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"reasoning": {"effort": "high", "summary": "auto"}}, {"reasoning_effort": "high"}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "p", "schema": {}, "strict": True}}},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "p", "schema": {}, "strict": True}}},
        ),
        (
            {
                "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
                "tool_choice": {"type": "function", "name": "f"},
                "parallel_tool_calls": False,
            },
            {
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}}],
                "tool_choice": {"type": "function", "function": {"name": "f"}},
                "parallel_tool_calls": False,
            },
        ),
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"include": ["reasoning.encrypted_content"], "store": False, "truncation": "disabled"}, {}),
        ({"metadata": {"a": "b"}, "background": False, "previous_response_id": None}, {}),
    ],
)
def test_parameters(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert payload(**fields) == payload() | expected


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input": None}, "missing_field", "input"),
        ({"previous_response_id": "resp_1"}, "unsupported_parameter", "previous_response_id"),
        ({"conversation": "c"}, "unsupported_parameter", "conversation"),
        ({"store": True}, "unsupported_parameter", "store"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"truncation": "auto"}, "unsupported_parameter", "truncation"),
        ({"tools": [{"type": "web_search"}]}, "unsupported_parameter", "tools[0].type"),
        ({"include": ["file_search_call.results"]}, "unsupported_parameter", "include[0]"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "unsupported_parameter", "input[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "x"}]}]},
            "unsupported_parameter",
            "input[0].content[0].type",
        ),
        ({"input": [{"type": "function_call", "name": "x"}]}, "missing_field", "input[0].arguments"),
        ({"wobble": 1}, "unsupported_parameter", "wobble"),
    ],
)
def test_what_is_wrong_or_cannot_be_said_is_named(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(RequestError) as error:
        payload(**fields)
    assert (error.value.code, error.value.param) == (code, param)


def test_a_whole_response() -> None:
    whole = response(ASKED, WHOLE, None)
    assert whole["output"] == OUTPUT
    assert whole["usage"] == COUNTED
    assert {name: whole[name] for name in ("id", "object", "status", "model", "metadata", "temperature", "store")} == {
        "id": "resp_01ulid",
        "object": "response",
        "status": "completed",
        "model": "openai/gpt-5",
        "metadata": {"a": "b"},
        "temperature": 0.5,
        "store": False,
    }


def test_an_answer_that_was_cut_short_is_incomplete() -> None:
    whole = response(ASKED, answered("length", content="x"), None)
    assert (whole["status"], whole["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert events(told([delta_chunk(HEAD, {"content": "x"}, finish="length")]))[-1]["type"] == "response.incomplete"


def test_the_official_sdk_reads_a_whole_response() -> None:
    with answering(msgspec.json.encode(response(ASKED, WHOLE, None))) as (address, _), client(address) as sdk:
        read = sdk.responses.create(model="x", input="y")
    assert read.output_text == "Let me see."
    assert [item.type for item in read.output] == ["reasoning", "message", "function_call", "function_call"]
    assert read.usage is not None
    assert read.usage.total_tokens == 17


def test_the_official_sdk_gathers_a_stream_into_the_same_response() -> None:
    with (
        answering(told(CHUNKS), EVENTS) as (address, _),
        client(address) as sdk,
        sdk.responses.stream(model="x", input="y") as stream,
    ):
        read = stream.get_final_response()
    assert read.output_text == "Let me see."
    whole = response(ASKED, WHOLE, None)
    assert events(told(CHUNKS))[-1]["response"] == whole
    assert [item.id for item in read.output] == [item["id"] for item in OUTPUT]


def test_the_events_come_in_openais_order() -> None:
    kinds = [(each["type"].removeprefix("response."), each.get("output_index")) for each in events(told(CHUNKS))]
    assert kinds == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("reasoning_summary_part.added", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.delta", 0),
        ("reasoning_summary_text.done", 0),
        ("reasoning_summary_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("content_part.added", 1),
        ("output_text.delta", 1),
        ("output_text.delta", 1),
        ("output_text.done", 1),
        ("content_part.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.delta", 2),
        ("output_item.added", 3),
        ("function_call_arguments.done", 2),
        ("output_item.done", 2),
        ("function_call_arguments.done", 3),
        ("output_item.done", 3),
        ("completed", None),
    ]


def test_e27_calls_that_are_mixed_up_keep_their_own_arguments() -> None:
    calls = {"tool_calls": [call(0, "a", "x", ""), call(1, "b", "y", "")]}
    chunks = [delta_chunk(HEAD, delta) for delta in (calls, more(0, '{"p":'), more(1, '{"q":2}'), more(0, "1}"))]
    items = events(told(chunks))[-1]["response"]["output"]
    assert [item["arguments"] for item in items] == ['{"p":1}', '{"q":2}']


def test_a_refusal_is_a_part_of_its_own() -> None:
    chunks = [delta_chunk(HEAD, {"content": "Well"}), delta_chunk(HEAD, {"refusal": "No."}, finish="content_filter")]
    last = events(told(chunks, USAGE))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["usage"] == COUNTED
    assert [part["type"] for part in last["response"]["output"][0]["content"]] == ["output_text", "refusal"]


def test_an_empty_stream_is_still_a_response() -> None:
    last = events(told([]))[-1]["response"]
    assert last["output"][0]["content"][0]["text"] == ""


def test_a_broken_stream_says_so_and_shows_how_far_it_came() -> None:
    writer = ResponsesWriter(ASKED)
    raw = b"".join([frame for chunk in CHUNKS[:6] for frame in writer.feed(chunk)])
    raw += b"".join(writer.broken(RequestError("provider_failed", "upstream_incomplete", "It broke.")))
    *_, error, failed = events(raw)
    assert (error["type"], error["code"], error["message"]) == ("error", "upstream_incomplete", "It broke.")
    assert failed["type"] == "response.failed"
    assert failed["response"]["error"] == {"code": "server_error", "message": "It broke."}
    assert failed["response"]["output"][1]["content"][0]["text"] == "Let me see."


@pytest.mark.parametrize("text", [None, 5, "", "th1.", "th1.!!!", "th1.bm9wZQ==", "gAAAAA", "th1.ü"])
def test_reasoning_that_we_did_not_seal_is_nothing(text: object) -> None:
    assert unsealed(text) == []


def test_reasoning_that_we_sealed_comes_back() -> None:
    assert unsealed(sealed([THOUGHT])) == [THOUGHT]
