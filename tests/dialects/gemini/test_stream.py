"""Google's streams, cut anywhere, become OpenAI's chunks."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.gemini.dialect import Gemini
from gateway.domain.answer import Chunk, Usage
from gateway.domain.trail import Failure
from tests.builders import an_ask
from tests.dialects.gemini.test_answer import SEAL, candidate


def event(*parts: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 2}
    row = candidate(*parts, finish=finish, index=index)
    if finish is None:
        del row["finishReason"]
    return {"candidates": [row], "usageMetadata": usage, "modelVersion": "gemini-3.5-flash-002", **more}


STORY = [
    event({"text": "Hm ü", "thought": True}),
    event({"text": "Hello"}),
    event({"text": " 🌍 \u2028"}),
    event({"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"}),
    event({"functionCall": {"name": "clock", "args": {}}}, {"functionCall": {"name": "moon", "id": "m"}}),
    event({"text": "", "thoughtSignature": "ZW5k"}, finish="STOP"),
]


def told(*events: Any, line_end: str = "\r\n") -> bytes:
    return b"".join(b"data: " + msgspec.json.encode(each) + (line_end * 2).encode() for each in events)


def heard(*pieces: bytes, choices: int = 1) -> tuple[list[Chunk | Failure], Any]:
    reader = Gemini().reader(an_ask(stream=True, choices=choices), SEAL)
    out = [chunk for piece in pieces for chunk in reader.feed(piece)]
    return out + reader.end(), reader


def choices(chunks: list[Chunk | Failure]) -> list[Any]:
    fields = [msgspec.json.decode(chunk.data) for chunk in chunks if isinstance(chunk, Chunk)]
    return [choice for each in fields for choice in each["choices"]]


def test_a_whole_story() -> None:
    chunks, reader = heard(told(*STORY))
    signed = {"google": {"thought_signature": "c2ln"}}

    def call(index: int, name: str, identity: str, arguments: str = "{}", **more: Any) -> dict[str, Any]:
        function = {"name": name, "arguments": arguments}
        return {"index": index, "id": identity, "type": "function", "function": function, **more}

    assert [choice["delta"] for choice in choices(chunks)] == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm ü"},
        {"content": "Hello"},
        {"content": " 🌍 \u2028"},
        {"tool_calls": [call(0, "weather", "call_01ulid_0_0", '{"city":"Rome"}', extra_content=signed)]},
        {"tool_calls": [call(1, "clock", "call_01ulid_0_1"), call(2, "moon", "m")]},
        {"extra_content": {"google": {"thought_signature": "ZW5k"}}},
        {},
    ]
    assert choices(chunks)[-1]["finish_reason"] == "tool_calls"
    assert reader.finished
    assert reader.model == "gemini-3.5-flash-002"
    assert reader.usage == Usage(input_tokens=10, output_tokens=3, reasoning_tokens=2)
    assert isinstance(chunks[-1], Chunk)
    assert chunks[-1].usage_only
    assert msgspec.json.decode(chunks[-1].data)["model"] == "gemini/gemini-3.5-flash-002"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_e10_e11_every_cut_tells_the_same_story(line_end: str) -> None:
    raw = told(*STORY, line_end=line_end)
    expected, _ = heard(raw)
    assert all(heard(raw[:cut], raw[cut:])[0] == expected for cut in range(len(raw)))
    assert heard(*(raw[at : at + 1] for at in range(len(raw))))[0] == expected


def test_e27_several_candidates_end_when_all_have_ended() -> None:
    one, two = event({"text": "a"}, finish="STOP", index=0), event({"text": "b"}, finish="MAX_TOKENS", index=1)
    chunks, reader = heard(told(one, two), choices=2)
    assert reader.finished
    assert [(each["index"], each["finish_reason"]) for each in choices(chunks) if each["finish_reason"]] == [
        (0, "stop"),
        (1, "length"),
    ]
    broken, _ = heard(told(one), choices=2)
    assert isinstance(broken[-1], Failure)


def test_a_finish_that_is_told_twice_is_told_once() -> None:
    chunks, _ = heard(told(event({"text": "a"}, finish="STOP"), event({"text": "b"}, finish="STOP")))
    assert [each["finish_reason"] for each in choices(chunks)] == [None, None, "stop", None]


def test_a_blocked_prompt_is_a_stream_that_was_filtered() -> None:
    chunks, reader = heard(
        told({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}})
    )
    assert reader.finished
    assert reader.usage == Usage(input_tokens=4)
    assert choices(chunks)[1]["delta"] == {"refusal": "The prompt was blocked: SAFETY."}
    assert choices(chunks)[-1]["finish_reason"] == "content_filter"


def failure(*pieces: bytes) -> Failure:
    chunks, _ = heard(*pieces)
    assert isinstance(chunks[-1], Failure)
    assert not any(isinstance(chunk, Failure) for chunk in chunks[:-1])
    return chunks[-1]


UNAVAILABLE = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


def test_e02_e03_an_error_inside_the_stream_is_a_failure_and_nothing_follows() -> None:
    assert failure(told(UNAVAILABLE, *STORY)).code == "upstream_overloaded"
    assert failure(told(*STORY[:2], UNAVAILABLE, *STORY[2:])).code == "upstream_overloaded"
    assert failure(told(event({"text": "x"}, finish="MALFORMED_FUNCTION_CALL"))).code == "malformed_response"
    assert failure(told({"error": {}})).code == "malformed_response"


@pytest.mark.parametrize("length", range(6))
def test_e04_an_end_without_a_finish_is_incomplete(length: int) -> None:
    assert failure(told(*STORY[:length])).code == "upstream_incomplete"


def test_e16_a_json_body_where_a_stream_was_promised_is_incomplete() -> None:
    assert failure(b'[{"candidates":[]}]').code == "upstream_incomplete"


@pytest.mark.parametrize("data", [b"{", b"[]", b"nonsense", b"\xff\xfe"])
def test_e17_bad_json_is_never_skipped(data: bytes) -> None:
    assert failure(b"data: " + data + b"\r\n\r\n").code == "malformed_response"
