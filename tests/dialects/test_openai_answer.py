"""Whole replies of hosts that speak OpenAI's dialect."""

from typing import Any

import msgspec
import pytest

from gateway.dialects.base import Seal
from gateway.dialects.chunks import chunks_of, usage_fields
from gateway.dialects.openai.usage import usage_of
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from tests.builders import an_ask

OPENAI = dialect_of("openai")
SEAL = Seal(id="chatcmpl-th-01j9", created=1_800_000_000, provider="openai", model="offer-id")


def read(value: Any, endpoint: Any = "chat", **fields: Any) -> Answer | Failure:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    ask = an_ask(endpoint=endpoint, payload={"model": "m", **fields})
    return OPENAI.answer(ask, Reply(status=200, headers=(), body=body), SEAL)


def whole(**more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "Hello!"}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {"id": "chatcmpl-up", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024", "choices": [choice],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}} | more  # fmt: skip


def answer(value: Any, **more: Any) -> tuple[Answer, dict[str, Any]]:
    read_answer = read(value, **more)
    assert isinstance(read_answer, Answer)
    return read_answer, msgspec.json.decode(msgspec.json.encode(read_answer.fields))


def test_id_time_and_model_are_ours_and_the_rest_is_kept() -> None:
    said, fields = answer(whole(service_tier="default", system_fingerprint="fp", x_unknown={"a": [1.50]}))
    assert fields["id"] == SEAL.id
    assert fields["created"] == SEAL.created
    assert fields["model"] == "openai/gpt-4o-2024"
    assert said.model == "gpt-4o-2024"
    assert {name: fields[name] for name in ("service_tier", "system_fingerprint", "x_unknown")} == {
        "service_tier": "default",
        "system_fingerprint": "fp",
        "x_unknown": {"a": [1.5]},
    }
    assert fields["choices"] == whole()["choices"]


def test_b11_a_missing_id_and_model_are_filled_in() -> None:
    said, fields = answer({"choices": whole()["choices"]})
    assert (fields["id"], fields["object"], fields["model"]) == (SEAL.id, "chat.completion", "openai/offer-id")
    assert said.usage is None
    assert said.output_chars == len("Hello!")
    said.fields["usage"] = usage_fields(Usage(input_tokens=1, estimated=True))
    assert b'"prompt_tokens":1' in msgspec.json.encode(said.fields)


@pytest.mark.parametrize("model", ["模型", "a\r\nSet-Cookie: x", "m" * 5000, 7, None, ""])
def test_x07_a_models_name_is_fit_for_a_header(model: Any) -> None:
    said, _ = answer(whole(model=model))
    assert said.model.isascii()
    assert said.model.isprintable()
    assert 0 < len(said.model) <= 200


GARBLED: list[tuple[str, bytes]] = [
    ("B01", b"<html>hello</html>"),
    ("B02", b'{"choices":[{"index":0,"mess'),
    ("B02-utf8", b'{"choices":[{"index":0,"message":{"content":"x\xff"},"finish_reason":"stop"}],"a":"\xff"}'),
    ("B05", b'{"choices":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    ("B06", b'{"id":"x"}'),
    ("B06-empty", b'{"choices":[]}'),
    ("B06-null", b'{"choices":null}'),
    ("B06-object", b'{"choices":{"0":{}}}'),
    ("no-message", b'{"choices":[{"index":0,"finish_reason":"stop"}]}'),
    ("message-text", b'{"choices":[{"index":0,"message":"hi"}]}'),
    ("nan", b'{"choices":[{"index":0,"message":{"content":"x"},"logprobs":NaN}]}'),
    ("list", b"[]"),
    ("empty", b""),
    ("finish-number", b'{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":3}]}'),
]  # fmt: skip


@pytest.mark.parametrize("body", [body for _, body in GARBLED], ids=[name for name, _ in GARBLED])
def test_an_answer_that_cannot_be_read_is_garbled(body: bytes) -> None:
    failure = read(body)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == ("garbled", "malformed_response")


def test_b06_empty_content_with_an_end_is_a_success() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    _, fields = answer(whole(choices=[choice]))
    assert fields["choices"] == [choice]


def test_b13_tool_arguments_that_are_not_json_pass_unchanged() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{not json"}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    _, fields = answer(whole(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]))
    assert fields["choices"][0]["message"]["tool_calls"] == calls


STRAIGHTENED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("eos", {"finish_reason": "eos"}, {"finish_reason": "stop"}),
    ("model_length", {"finish_reason": "model_length"}, {"finish_reason": "length"}),
    ("no finish", {"finish_reason": None}, {"finish_reason": "stop"}),
    ("no index", {"index": None}, {"index": 0}),
    (
        "reasoning",
        {"message": {"role": "assistant", "content": "x", "reasoning": "y"}},
        {"message": {"role": "assistant", "content": "x", "reasoning_content": "y"}},
    ),
    (
        "tool calls without finish",
        {"message": {"content": None, "tool_calls": [{"id": "a"}]}, "finish_reason": None},
        {"finish_reason": "tool_calls"},
    ),
]


@pytest.mark.parametrize(("said", "told"), [row[1:] for row in STRAIGHTENED], ids=[row[0] for row in STRAIGHTENED])
def test_what_hosts_say_otherwise_is_straightened(said: dict[str, Any], told: dict[str, Any]) -> None:
    _, fields = answer(whole(choices=[whole()["choices"][0] | said]))
    choice = fields["choices"][0]
    assert {name: choice[name] for name in told} == told


def test_a_provider_that_broke_off_has_failed() -> None:
    failure = read(whole(choices=[whole()["choices"][0] | {"finish_reason": "insufficient_system_resource"}]))
    assert isinstance(failure, Failure)
    assert failure.kind == "transient"


USAGES: list[tuple[str, Any, Usage | None]] = [
    ("plain", {"prompt_tokens": 3, "completion_tokens": 4}, Usage(input_tokens=3, output_tokens=4)),
    (
        "openai",
        {
            "prompt_tokens": 20,
            "completion_tokens": 30,
            "total_tokens": 50,
            "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 2},
        },
        Usage(input_tokens=12, cache_read_tokens=5, audio_input_tokens=3, output_tokens=18, reasoning_tokens=10,
              audio_output_tokens=2),
    ),
    (
        "deepseek",
        {"prompt_tokens": 20, "completion_tokens": 1, "prompt_cache_hit_tokens": 16, "prompt_cache_miss_tokens": 4},
        Usage(input_tokens=4, cache_read_tokens=16, output_tokens=1),
    ),
    ("moonshot", {"prompt_tokens": 9, "completion_tokens": 1, "cached_tokens": 8},
     Usage(input_tokens=1, cache_read_tokens=8, output_tokens=1)),
    (
        "xai counts reasoning beside",
        {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 107,
         "completion_tokens_details": {"reasoning_tokens": 100}},
        Usage(input_tokens=5, output_tokens=2, reasoning_tokens=100),
    ),
    ("openrouter", {"prompt_tokens": 9, "completion_tokens": 1, "cost": 0.1,
                    "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}},
     Usage(input_tokens=4, cache_read_tokens=2, cache_write_tokens=3, output_tokens=1)),
    ("images", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"image_tokens": 6}},
     Usage(input_tokens=3, image_tokens=6, output_tokens=1)),
    ("null details", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": None},
     Usage(input_tokens=9, output_tokens=1)),
    ("B08 negative", {"prompt_tokens": -3, "completion_tokens": 4}, None),
    ("B08 negative output", {"prompt_tokens": 3, "completion_tokens": -4}, None),
    ("B08 string", {"prompt_tokens": "3", "completion_tokens": 4}, None),
    ("B08 float", {"prompt_tokens": 3.5, "completion_tokens": 4}, None),
    ("B08 huge", {"prompt_tokens": 10**18, "completion_tokens": 4}, None),
    ("B08 beyond", {"prompt_tokens": 10**30, "completion_tokens": 4}, None),
    ("B08 boolean", {"prompt_tokens": True, "completion_tokens": 4}, None),
    ("more cached than there was", {"prompt_tokens": 3, "completion_tokens": 4, "cached_tokens": 9}, None),
    ("B07 missing", None, None),
    ("a list", [1], None),
    ("empty", {}, None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "usage"), [row[1:] for row in USAGES], ids=[row[0] for row in USAGES])
def test_usage_is_read_into_disjoint_buckets_or_not_believed(said: Any, usage: Usage | None) -> None:
    assert usage_of(said) == usage
    told, fields = answer(whole(usage=said))
    assert told.usage == usage
    assert ("usage" in fields) == (usage is not None)
    if usage is not None:
        assert fields["usage"]["completion_tokens"] == usage.completion_tokens
        assert usage_of(fields["usage"]) == usage


def test_usage_written_is_usage_read() -> None:
    usage = Usage(input_tokens=1, cache_read_tokens=2, cache_write_tokens=3, output_tokens=4, reasoning_tokens=5,
                  audio_input_tokens=6, audio_output_tokens=7, image_tokens=1)  # fmt: skip
    assert usage_of(usage_fields(usage)) == usage


def test_completions_are_text() -> None:
    choice = {"text": "x", "index": 0, "logprobs": None, "finish_reason": "length"}
    _, fields = answer({"choices": [choice]}, endpoint="completions")
    assert (fields["object"], fields["choices"]) == ("text_completion", [choice])
    assert isinstance(read({"choices": [{"index": 0}]}, endpoint="completions"), Failure)


def test_e16_a_whole_answer_can_be_told_as_chunks() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    more = {"index": 1, "message": message, "finish_reason": "tool_calls", "logprobs": None}
    said, _ = answer(whole(choices=[*whole()["choices"], more]))
    chunks = chunks_of(said, SEAL)
    told = [msgspec.json.decode(chunk.data) for chunk in chunks]
    assert {(each["id"], each["object"], each["model"]) for each in told} == {
        (SEAL.id, "chat.completion.chunk", "openai/gpt-4o-2024")
    }
    deltas = [choice for each in told for choice in each["choices"]]
    assert deltas[0]["delta"] == {"role": "assistant", "content": "Hello!"}
    assert deltas[1] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert deltas[2]["delta"]["tool_calls"] == [{"index": 0, **calls[0]}]
    assert [chunk.content for chunk in chunks] == [True, False, True, False, False]
    assert chunks[-1].usage_only
    assert chunks[-1].usage == said.usage


def test_e16_whole_texts_can_be_told_as_chunks() -> None:
    choice = {"text": "x", "index": 0, "logprobs": None, "finish_reason": "length"}
    said, _ = answer({"choices": [choice]}, endpoint="completions")
    assert [msgspec.json.decode(chunk.data)["choices"] for chunk in chunks_of(said, SEAL)] == [[choice]]


def test_models_are_listed() -> None:
    for body in (b'{"object":"list","data":[{"id":"a"},{"id":"b","x":1}]}', b'[{"id":"a"},{"id":"b"}]'):
        assert OPENAI.listed(Reply(status=200, headers=(), body=body)) == ("a", "b")
    for status, body in ((200, b"{}"), (200, b"<html>"), (401, b"")):
        assert isinstance(OPENAI.listed(Reply(status=status, headers=(), body=body)), Failure)
