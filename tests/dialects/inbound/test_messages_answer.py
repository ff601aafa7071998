"""Chat completions told as Messages, read by the official SDK."""

from typing import Any

import anthropic
import msgspec
import pytest

from gateway.dialects.chunks import delta_chunk
from gateway.dialects.inbound.messages.answer import error_body, message, token_count
from gateway.dialects.inbound.messages.writer import MessagesWriter
from gateway.domain.answer import Chunk, Usage
from gateway.errors import ErrorKind, RequestError
from tests.dialects.inbound.sdk import EVENTS, answering
from tests.dialects.inbound.stories import CHUNKS, HEAD, THOUGHT, USAGE, WHOLE, answered, call, more

HELLO: Any = [{"role": "user", "content": "Hello!"}]
CONTENT = [
    THOUGHT,
    {"type": "text", "text": "Let me see."},
    {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}},
    {"type": "tool_use", "id": "b", "name": "clock", "input": {}},
]
COUNTED = {
    "input_tokens": 7,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 3,
    "output_tokens": 7,
    "output_tokens_details": {"thinking_tokens": 2},
}


def client(address: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="th-x", base_url=address, max_retries=0)


def told(chunks: list[Chunk], usage: Usage | None = None) -> bytes:
    writer = MessagesWriter(input_tokens=9)
    return b"".join([frame for chunk in chunks for frame in writer.feed(chunk)] + writer.done(usage))


def events(raw: bytes) -> list[dict[str, Any]]:
    found = []
    for block in raw.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        fields = msgspec.json.decode(data.removeprefix("data: "))
        assert name == f"event: {fields['type']}"
        found.append(fields)
    return found


def test_a_whole_message() -> None:
    whole = message(WHOLE, None)
    assert whole == {
        "id": "msg_01ulid",
        "type": "message",
        "role": "assistant",
        "model": "openai/gpt-5",
        "content": CONTENT,
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": COUNTED,
    }


def test_the_official_sdk_reads_a_whole_message() -> None:
    with answering(msgspec.json.encode(message(WHOLE, None))) as (address, _), client(address) as sdk:
        read = sdk.messages.create(model="x", max_tokens=10, messages=HELLO)
    assert read.stop_reason == "tool_use"
    assert [block.type for block in read.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert read.usage.cache_read_input_tokens == 3


def test_the_official_sdk_gathers_a_stream_into_the_same_message() -> None:
    with (
        answering(told(CHUNKS), EVENTS) as (address, _),
        client(address) as sdk,
        sdk.messages.stream(model="x", max_tokens=10, messages=HELLO) as stream,
    ):
        read = stream.get_final_message()
    assert read.stop_reason == "tool_use"
    assert [block.to_dict() for block in read.content] == CONTENT
    assert read.usage.to_dict() == COUNTED
    assert (read.id, read.model) == ("msg_01ulid", "openai/gpt-5")


def test_the_events_come_in_anthropics_order() -> None:
    kinds = [(each["type"], each.get("index")) for each in events(told(CHUNKS))]
    assert kinds == [
        ("message_start", None),
        ("ping", None),
        ("content_block_start", 0),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        ("content_block_delta", 2),
        ("content_block_delta", 2),
        ("content_block_stop", 2),
        ("content_block_start", 3),
        ("content_block_stop", 3),
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert events(told(CHUNKS))[0]["message"]["usage"]["input_tokens"] == 9


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("tool_calls", "tool_use"), ("content_filter", "refusal")],
)
def test_finish_reasons(finish: str, reason: str) -> None:
    assert message(answered(finish, content="x"), None)["stop_reason"] == reason
    delta = events(told([delta_chunk(HEAD, {"content": "x"}, finish=finish)]))[-2]
    assert delta["delta"] == {"stop_reason": reason, "stop_sequence": None}


def test_usage_that_was_only_estimated_stands_in() -> None:
    raw = told([delta_chunk(HEAD, {"content": "x"}, finish="stop")], USAGE)
    assert events(raw)[-2]["usage"] == COUNTED


def test_reasoning_without_a_signature_is_a_thought_without_one() -> None:
    unsigned = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    assert message(answered(content="x", reasoning_content="Hm."), None)["content"][0] == unsigned
    elsewhere = answered(content="x", thinking_blocks=[{"type": "thinking", "thinking": "Hm."}])
    assert message(elsewhere, None)["content"][0] == unsigned
    raw = told([delta_chunk(HEAD, {"reasoning_content": "Hm."}), delta_chunk(HEAD, {"content": "x"}, finish="stop")])
    assert [each["type"] for each in events(raw)[2:5]] == [
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ]


def test_hidden_and_redacted_thoughts_keep_what_must_go_back() -> None:
    hidden = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    redacted = {"type": "redacted_thinking", "data": "xyz"}
    raw = told([delta_chunk(HEAD, {"thinking_blocks": [hidden, redacted]}), delta_chunk(HEAD, {}, finish="stop")])
    with (
        answering(raw, EVENTS) as (address, _),
        client(address) as sdk,
        sdk.messages.stream(model="x", max_tokens=10, messages=HELLO) as stream,
    ):
        assert [block.to_dict() for block in stream.get_final_message().content] == [hidden, redacted]


def test_e27_calls_that_are_mixed_up_keep_their_own_arguments() -> None:
    calls = {"tool_calls": [call(0, "a", "x", ""), call(1, "b", "y", "")]}
    chunks = [delta_chunk(HEAD, delta) for delta in (calls, more(0, '{"p":'), more(1, '{"q":2}'), more(0, "1}"))]
    with (
        answering(told(chunks), EVENTS) as (address, _),
        client(address) as sdk,
        sdk.messages.stream(model="x", max_tokens=10, messages=HELLO) as stream,
    ):
        blocks: Any = stream.get_final_message().content
    assert [block.input for block in blocks] == [{"p": 1}, {"q": 2}]


def test_an_empty_stream_is_still_a_message() -> None:
    assert [each["type"] for each in events(told([]))] == ["message_start", "ping", "message_delta", "message_stop"]


KINDS: list[tuple[ErrorKind, int, type[Exception]]] = [
    ("bad_request", 400, anthropic.BadRequestError),
    ("unauthenticated", 401, anthropic.AuthenticationError),
    ("not_found", 404, anthropic.NotFoundError),
    ("rate_limited", 429, anthropic.RateLimitError),
    ("all_failed", 503, anthropic.InternalServerError),
]


@pytest.mark.parametrize(("kind", "status", "raised"), KINDS)
def test_the_official_sdk_raises_our_errors(kind: ErrorKind, status: int, raised: type[Exception]) -> None:
    body = error_body(RequestError(kind, "code", "So it is."), "req-1")
    with (
        answering(msgspec.json.encode(body), status=status) as (address, _),
        client(address) as sdk,
        pytest.raises(raised, match="So it is"),
    ):
        sdk.messages.create(model="x", max_tokens=10, messages=HELLO)


def test_the_official_sdk_raises_when_a_stream_breaks() -> None:
    writer = MessagesWriter()
    raw = b"".join(writer.feed(CHUNKS[0])) + writer.broken(RequestError("overloaded", "overloaded", "Too much."), "r")
    with (
        answering(raw, EVENTS) as (address, _),
        client(address) as sdk,
        pytest.raises(anthropic.APIStatusError, match="Too much"),
        sdk.messages.stream(model="x", max_tokens=10, messages=HELLO) as stream,
    ):
        stream.until_done()


def test_the_official_sdk_counts_tokens() -> None:
    with answering(msgspec.json.encode(token_count(42))) as (address, _), client(address) as sdk:
        assert sdk.messages.count_tokens(model="x", messages=HELLO).input_tokens == 42
