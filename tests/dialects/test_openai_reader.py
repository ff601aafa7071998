"""Streams of hosts that speak OpenAI's dialect."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Seal, StreamReader
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Chunk, Usage
from gateway.domain.trail import Failure
from tests.builders import an_ask

SEAL = Seal(id="chatcmpl-th-01j9", created=1_800_000_000, provider="openai", model="offer-id")
HEAD = {"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024"}
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def reader(endpoint: Any = "chat", **fields: Any) -> StreamReader:
    ask = an_ask(endpoint=endpoint, payload={"model": "m", **fields}, stream=True)
    return dialect_of("openai").reader(ask, SEAL)


def event(value: Any) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else msgspec.json.encode(value)) + b"\n\n"


def chunk(delta: dict[str, Any], *, finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    return event(HEAD | {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]} | more)


HELLO = chunk({"role": "assistant", "content": ""}) + chunk({"content": "Hel"}) + chunk({"content": "lo"})
STOP = chunk({}, finish="stop")
USED = event(HEAD | {"choices": [], "usage": USAGE})


def read(data: bytes, **fields: Any) -> tuple[list[Chunk], Failure | None, StreamReader]:
    stream = reader(**fields)
    said = stream.feed(data) + stream.end()
    chunks = [each for each in said if isinstance(each, Chunk)]
    failures = [each for each in said if isinstance(each, Failure)]
    assert failures == said[len(chunks) :], "a failure is the last word"
    assert len(failures) <= 1
    return chunks, failures[0] if failures else None, stream


def told(chunks: list[Chunk]) -> list[Any]:
    return [msgspec.json.decode(each.data) for each in chunks]


def test_chunks_pass_with_our_id_time_and_model() -> None:
    chunks, failure, stream = read(HELLO + STOP + USED + DONE)
    assert failure is None
    assert stream.finished
    assert stream.model == "gpt-4o-2024"
    assert stream.usage == Usage(input_tokens=3, output_tokens=4)
    ours = {"id": SEAL.id, "object": HEAD["object"], "created": SEAL.created, "model": "openai/gpt-4o-2024"}
    assert all(ours.items() <= each.items() for each in told(chunks))
    assert [each.content for each in chunks] == [False, True, True, False, False]
    assert [each.finish for each in chunks] == [False, False, False, True, False]
    assert [each.usage_only for each in chunks] == [False, False, False, False, True]
    assert [each.chars for each in chunks] == [0, 3, 2, 0, 0]


def test_a_chunk_keeps_every_byte_after_its_head() -> None:
    tail = b'"choices":[{"index":0,"delta":{"content":"1.50 \\u00e9 \xe2\x80\xa8 x"}, "logprobs" : null}],"z":1e2}'
    stream = reader()
    stream.feed(chunk({"role": "assistant"}))
    said = stream.feed(b"data: " + msgspec.json.encode(HEAD)[:-1] + b"," + tail + b"\n\n")
    assert isinstance(said[0], Chunk)
    assert said[0].data.endswith(tail)
    assert b"openai/gpt-4o-2024" in said[0].data


HEADS: list[tuple[str, list[dict[str, Any]]]] = [
    ("choices first", [{"choices": 1, "created": 7, "id": "a", "model": "m"}] * 3),
    ("time moves", [{"id": "a", "created": at, "model": "m", "choices": 1} for at in range(3)]),
    ("id after choices", [{"model": "m", "choices": 1, "id": "a"}] * 3),
    ("nothing but choices", [{"choices": 1}] * 3),
    ("usage in front", [{"id": "a", "model": "m", "usage": None, "choices": 1}] * 3),
    ("a nested hinge", [{"id": "a", "x": {"choices": 2}, "model": "m", "choices": 1}] * 3),
    ("spelled in a string", [{"id": '"choices":', "model": "m", "choices": 1}] * 3),
    ("model changes", [{"id": "a", "model": model, "choices": 1} for model in ("m", "m2", "m")]),
]


@pytest.mark.parametrize("heads", [heads for _, heads in HEADS], ids=[name for name, _ in HEADS])
def test_whatever_the_head_is_like_ours_is_in_its_place(heads: list[dict[str, Any]]) -> None:
    data = b""
    for place, head in enumerate(heads):
        choice = {"index": 0, "delta": {"content": f"w{place}"}, "finish_reason": "stop" if place == 2 else None}
        data += event({name: [choice] if name == "choices" else value for name, value in head.items()})
    chunks, failure, _ = read(data + DONE)
    assert failure is None
    for place, each in enumerate(told(chunks)):
        assert each["id"] == SEAL.id
        assert each["created"] == SEAL.created
        assert each["model"].startswith("openai/")
        assert each["choices"][0]["delta"]["content"] == f"w{place}"
        assert chunks[place].data.count(b'"id":') == 1


def test_e02_an_error_as_the_first_event_is_a_failure() -> None:
    chunks, failure, _ = read(event({"error": {"message": "busy", "type": "overloaded_error"}}))
    assert chunks == []
    assert failure is not None
    assert failure.code == "upstream_overloaded"


def test_e03_an_error_after_content_ends_the_stream() -> None:
    error = event(HEAD | {"choices": [{"index": 0, "delta": {}}], "error": {"code": 502, "message": "gone"}})
    chunks, failure, stream = read(HELLO + error + STOP + DONE)
    assert len(chunks) == 3
    assert failure is not None
    assert (failure.kind, failure.message) == ("transient", "gone")
    assert not stream.finished


def test_an_event_named_error_is_an_error() -> None:
    _, failure, _ = read(HELLO + b'event: error\ndata: {"message":"overloaded","type":"overloaded_error"}\n\n')
    assert failure is not None
    assert failure.code == "upstream_overloaded"


@pytest.mark.parametrize("data", [HELLO, b"", HELLO + b'data: {"id":"x","cho', HELLO + b": ping\n\n"])
def test_e04_an_end_without_a_finish_is_incomplete(data: bytes) -> None:
    _, failure, stream = read(data)
    assert failure is not None
    assert (failure.kind, failure.code) == ("transient", "upstream_incomplete")
    assert not stream.finished


def test_e05_a_finish_without_done_is_whole() -> None:
    _, failure, stream = read(HELLO + STOP)
    assert failure is None
    assert stream.finished


def test_e05_a_done_without_its_blank_line_counts() -> None:
    _, failure, stream = read(HELLO + STOP + b"data: [DONE]")
    assert failure is None
    assert stream.finished


def test_e06_done_without_a_finish_passes() -> None:
    _, failure, stream = read(HELLO + DONE)
    assert failure is None
    assert stream.finished


def test_e07_bytes_after_done_are_ignored() -> None:
    chunks, failure, _ = read(HELLO + STOP + DONE + chunk({"content": "late"}) + b"data: {broken\n\n")
    assert failure is None
    assert len(chunks) == 4


def test_e13_several_lines_of_data_are_one_event_on_one_line() -> None:
    pretty = msgspec.json.format(msgspec.json.encode(HEAD | {"choices": [{"index": 0, "delta": {"content": "x"}}]}))
    lines = b"".join(b"data: " + line + b"\r\n" for line in pretty.splitlines())
    chunks, failure, _ = read(b"\xef\xbb\xbf: hi\r\n\r\nid: 1\r\n" + lines + b"\r\n" + DONE)
    assert failure is None
    assert len(chunks) == 1
    assert b"\n" not in chunks[0].data


def test_e14_an_endless_event_is_a_failure() -> None:
    _, failure, _ = read(HELLO + b"data: " + b"x" * 1_200_000)
    assert failure is not None
    assert failure.code == "event_too_large"


BAD_EVENTS = [
    b"{",
    b"not json",
    b"[]",
    b"1",
    b'"text"',
    b"{}",
    b'{"choices":null}',
    b'{"choices":{}}',
    b'{"choices":[1]}',
    b'{"choices":[{"delta":{"content":7}}]}',
    b'{"choices":[{"delta":{"content":"\xff"}}]}',
    b'{"choices":[{"delta":{},"x":"\xff"}]}',
    b'{"choices":[{"delta":{"content":"x"},"logprobs":NaN}]}',
    b'{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":1}]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("data", BAD_EVENTS)
def test_e17_an_event_that_cannot_be_read_is_never_skipped(data: bytes) -> None:
    chunks, failure, _ = read(HELLO + event(data) + STOP + DONE)
    assert len(chunks) == 3
    assert failure is not None
    assert (failure.kind, failure.code) == ("garbled", "malformed_response")


def test_e18_e19_usage_may_come_alone_with_the_end_or_not_at_all() -> None:
    assert read(HELLO + STOP + DONE)[2].usage is None
    with_end = chunk({}, finish="stop", usage=USAGE)
    chunks, _, stream = read(HELLO + with_end + DONE)
    assert stream.usage == chunks[-1].usage == Usage(input_tokens=3, output_tokens=4)
    assert not chunks[-1].usage_only


@pytest.mark.parametrize("usage", [{"prompt_tokens": -1}, {"prompt_tokens": "3"}, [], {"prompt_tokens": 10**18}])
def test_b08_usage_that_cannot_be_true_is_not_passed_on(usage: Any) -> None:
    alone = event(HEAD | {"choices": [], "usage": usage})
    chunks, failure, stream = read(HELLO + chunk({}, finish="stop", usage=usage) + alone + DONE)
    assert failure is None
    assert stream.usage is None
    assert [each.get("usage") for each in told(chunks)] == [None] * 4


def test_e27_the_stream_ends_when_all_choices_have_ended() -> None:
    interleaved = [
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1),
        chunk({}, finish="stop", index=1),
        chunk({"content": "c"}),
        chunk({}, finish="length"),
    ]
    stream = reader(n=2)
    finished = []
    for data in interleaved:
        stream.feed(data)
        finished.append(stream.finished)
    assert finished == [False, False, False, False, True]
    assert stream.end() == []
    _, failure, _ = read(b"".join(interleaved[:3]), n=2)
    assert failure is not None


def test_e27_completions_end_when_every_prompt_has_ended() -> None:
    def text(index: int) -> bytes:
        return event({"id": "cmpl", "choices": [{"index": index, "text": "x", "finish_reason": "stop"}]})

    fields = {"endpoint": "completions", "prompt": ["a", "b"], "n": 2}
    chunks, failure, _ = read(b"".join(text(index) for index in range(4)), **fields)
    assert failure is None
    assert {each["object"] for each in told(chunks)} == {"text_completion"}
    assert all(each.content and each.chars == 1 for each in chunks)
    _, failure, _ = read(b"".join(text(index) for index in range(3)), **fields)
    assert failure is not None


def test_e27_tool_calls_keep_their_places() -> None:
    calls = [
        {"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
    ]
    chunks, _, _ = read(b"".join(chunk(delta) for delta in calls) + DONE)
    assert [each["choices"][0]["delta"] for each in told(chunks)] == calls
    assert all(each.content for each in chunks)
    assert chunks[1].chars == len('{"a":')


def test_e32_usage_beside_an_error_still_counts() -> None:
    last = event(HEAD | {"choices": [], "usage": USAGE, "error": {"message": "x", "code": 500}})
    _, failure, stream = read(HELLO + last)
    assert failure is not None
    assert stream.usage == Usage(input_tokens=3, output_tokens=4)


VISIBLE: list[tuple[dict[str, Any], bool]] = [
    ({"role": "assistant"}, False),
    ({"role": "assistant", "content": ""}, False),
    ({"role": "assistant", "content": None, "refusal": None}, False),
    ({"content": "x"}, True),
    ({"refusal": "x"}, True),
    ({"reasoning_content": "x"}, True),
    ({"reasoning": "x"}, True),
    ({"tool_calls": [{"index": 0}]}, True),
    ({"tool_calls": []}, False),
    ({"function_call": {"name": "f"}}, True),
    ({"audio": {"id": "a"}}, True),
    ({}, False),
]


@pytest.mark.parametrize(("delta", "content"), VISIBLE)
def test_content_is_what_a_caller_can_see(delta: dict[str, Any], content: bool) -> None:
    chunks, _, _ = read(chunk(delta) + DONE)
    assert [each.content for each in chunks] == [content]


def test_reasoning_has_one_name() -> None:
    chunks, _, _ = read(chunk({"reasoning": "hm"}) + chunk({"reasoning": None, "content": "x"}) + DONE)
    assert told(chunks)[0]["choices"][0]["delta"] == {"reasoning_content": "hm"}


def test_a_provider_that_broke_off_has_failed() -> None:
    _, failure, _ = read(HELLO + chunk({}, finish="insufficient_system_resource"))
    assert failure is not None
    assert failure.kind == "transient"


def test_a_keepalive_in_the_shape_of_an_event_is_ignored() -> None:
    chunks, failure, _ = read(b"data: \n\n" + HELLO + b"data:\n\n" + STOP + DONE)
    assert failure is None
    assert len(chunks) == 4


WHOLE = HELLO + chunk({"content": "你好 \u2028"}) + chunk({"tool_calls": [{"index": 0}]}) + STOP + USED + DONE


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=8), crlf=st.booleans())
def test_e10_e11_any_cut_gives_the_same_chunks(cuts: list[int], crlf: bool) -> None:
    data = WHOLE.replace(b"\n", b"\r\n") if crlf else WHOLE
    expected = read(WHOLE)[0]
    stream = reader()
    said: list[Chunk | Failure] = []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        said += stream.feed(data[start:end])
    assert said + stream.end() == expected


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(st.sampled_from([HELLO, STOP, USED, DONE, b"data: ", b"\n", b"{}", b"\xff", b"\r", b"[DONE]"])))
def test_no_bytes_make_it_raise_and_a_failure_is_the_last_word(pieces: list[bytes]) -> None:
    stream = reader()
    said = [each for piece in pieces for each in stream.feed(piece)] + stream.end()
    assert all(isinstance(each, Chunk) for each in said[:-1])
    assert stream.finished or isinstance(said[-1], Failure)
    assert stream.feed(HELLO) == []
