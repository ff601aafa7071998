"""Anthropic's streams, cut anywhere, become OpenAI's chunks."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.anthropic.dialect import Anthropic
from gateway.dialects.base import Seal
from gateway.domain.answer import Chunk, Usage
from gateway.domain.trail import Failure
from tests.builders import an_ask

SEAL = Seal(id="chatcmpl-th-1", created=1_700_000_000, provider="anthropic", model="claude-opus-5")
START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude-opus-5-20260724",
        "stop_reason": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
}


def begin(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **what: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": what}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def finish(reason: str, **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}


END = {"type": "message_stop"}
STORY = [
    START,
    {"type": "ping"},
    begin(0, type="thinking", thinking="", signature=""),
    delta(0, type="thinking_delta", thinking="Hm"),
    delta(0, type="thinking_delta", thinking=" ü"),
    delta(0, type="signature_delta", signature="c2ln"),
    stop(0),
    begin(1, type="text", text=""),
    delta(1, type="text_delta", text="Hello"),
    delta(1, type="text_delta", text=" 🌍 \u2028 world"),
    stop(1),
    begin(2, type="tool_use", id="toolu_1", name="weather", input={}),
    delta(2, type="input_json_delta", partial_json=""),
    delta(2, type="input_json_delta", partial_json='{"city":'),
    delta(2, type="input_json_delta", partial_json='"Rome"}'),
    stop(2),
    begin(3, type="tool_use", id="toolu_2", name="clock", input={}),
    stop(3),
    {"type": "something_new", "index": 4},
    finish("tool_use", output_tokens=20, output_tokens_details={"thinking_tokens": 8}),
    END,
]


def told(*events: dict[str, Any], line_end: str = "\n") -> bytes:
    lines = (
        f"event: {event['type']}{line_end}data: {msgspec.json.encode(event).decode()}{line_end}{line_end}"
        for event in events
    )
    return "".join(lines).encode()


def heard(*pieces: bytes) -> tuple[list[Chunk | Failure], Any]:
    reader = Anthropic().reader(an_ask(stream=True), SEAL)
    out = [chunk for piece in pieces for chunk in reader.feed(piece)]
    return out + reader.end(), reader


def deltas(chunks: list[Chunk | Failure]) -> list[Any]:
    fields = [msgspec.json.decode(chunk.data) for chunk in chunks if isinstance(chunk, Chunk)]
    return [each["choices"][0]["delta"] for each in fields if each["choices"]]


def test_a_whole_story() -> None:
    chunks, reader = heard(told(*STORY))
    call = {"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    other = {"index": 1, "id": "toolu_2", "type": "function", "function": {"name": "clock", "arguments": ""}}
    assert deltas(chunks) == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm"},
        {"reasoning_content": " ü"},
        {"thinking_blocks": [{"type": "thinking", "thinking": "Hm ü", "signature": "c2ln"}]},
        {"content": "Hello"},
        {"content": " 🌍 \u2028 world"},
        {"tool_calls": [call]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Rome"}'}}]},
        {"tool_calls": [other]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]
    usage = Usage(input_tokens=10, cache_read_tokens=5, output_tokens=12, reasoning_tokens=8)
    assert reader.usage == usage
    assert reader.finished
    assert reader.model == "claude-opus-5-20260724"
    *_, last, extra = chunks
    assert isinstance(last, Chunk)
    assert isinstance(extra, Chunk)
    assert last.finish
    assert msgspec.json.decode(last.data)["choices"][0]["finish_reason"] == "tool_calls"
    assert extra.usage_only
    assert extra.usage == usage
    first = msgspec.json.decode(last.data)
    assert (first["id"], first["model"]) == ("chatcmpl-th-1", "anthropic/claude-opus-5-20260724")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_e10_e11_every_cut_tells_the_same_story(line_end: str) -> None:
    raw = told(*STORY, line_end=line_end)
    expected, _ = heard(raw)
    assert all(heard(raw[:cut], raw[cut:])[0] == expected for cut in range(len(raw)))
    assert heard(*(raw[at : at + 1] for at in range(len(raw))))[0] == expected


def failure(*pieces: bytes) -> Failure:
    chunks, _ = heard(*pieces)
    assert isinstance(chunks[-1], Failure)
    assert not any(isinstance(chunk, Failure) for chunk in chunks[:-1])
    return chunks[-1]


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def test_e02_e03_an_error_inside_the_stream_is_a_failure_and_nothing_follows() -> None:
    assert failure(told(OVERLOADED, *STORY)).code == "upstream_overloaded"
    assert failure(told(*STORY[:9], OVERLOADED, *STORY[9:])).code == "upstream_overloaded"


@pytest.mark.parametrize("length", range(19))
def test_e04_an_end_without_a_finish_is_incomplete(length: int) -> None:
    assert failure(told(*STORY[:length])).code == "upstream_incomplete"


def test_e05_a_finish_without_message_stop_is_a_success_with_its_usage() -> None:
    chunks, reader = heard(told(*STORY[:-1]))
    assert reader.finished
    assert isinstance(chunks[-1], Chunk)
    assert chunks[-1].usage_only


def test_e07_bytes_after_the_end_say_nothing() -> None:
    assert heard(told(*STORY, *STORY) + b"garbage\n\n")[0] == heard(told(*STORY))[0]


def test_e14_an_endless_event_is_cut_off() -> None:
    assert failure(told(START), b"data: " + b"x" * (1024 * 1024 + 10)).code == "event_too_large"


@pytest.mark.parametrize("data", [b"{", b"[]", b"nonsense", b'"text"', b"\xff\xfe"])
def test_e17_bad_json_is_never_skipped(data: bytes) -> None:
    assert failure(told(START), b"data: " + data + b"\n\n").code == "malformed_response"


def test_e18_without_usage_there_is_none() -> None:
    start = {"type": "message_start", "message": {"model": "claude"}}
    chunks, reader = heard(told(start, begin(0, type="text", text="Hi"), stop(0), finish("end_turn"), END))
    assert reader.usage is None
    assert isinstance(chunks[-1], Chunk)
    assert chunks[-1].finish
    assert deltas(chunks)[1] == {"content": "Hi"}


def test_e32_usage_is_kept_when_the_last_event_is_an_error() -> None:
    _, reader = heard(told(*STORY[:-1], OVERLOADED))
    assert reader.usage == Usage(input_tokens=10, cache_read_tokens=5, output_tokens=12, reasoning_tokens=8)
