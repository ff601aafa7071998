"""The built-in provider: what it says, what it obeys, which faults it plays."""

import math
from typing import Any

import msgspec
import pytest

from gateway.dialects.base import Seal
from gateway.dialects.echo.instance import instance_of
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer, Chunk
from gateway.domain.ask import Ask
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from tests.builders import a_provider, an_ask, an_offer

ECHO = dialect_of("echo")
DEMO = a_provider("demo", dialect="echo", base_url="http://echo.invalid")
SEAL = Seal(id="chatcmpl-th-01j9", created=1, provider="demo", model="echo")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def chat(text: str = "Hello there, friend", **fields: Any) -> Ask:
    return an_ask("echo", payload={"model": "m", "messages": [{"role": "user", "content": text}], **fields})


def served(ask: Ask, model: str = "echo") -> Answer | Failure:
    return ECHO.answer(ask, ECHO.perform(ECHO.request(ask, an_offer(model, "demo"), DEMO)), SEAL)


def fields(ask: Ask) -> Any:
    answer = served(ask)
    assert isinstance(answer, Answer)
    return msgspec.json.decode(msgspec.json.encode(answer.fields))


def message(ask: Ask) -> Any:
    return fields(ask)["choices"][0]["message"]


def streamed(ask: Ask, model: str = "echo") -> list[Chunk | Failure]:
    ask = an_ask("echo", payload={**ask.payload, "stream": True}, stream=True, endpoint=ask.endpoint)
    pieces = ECHO.perform_stream(ECHO.request(ask, an_offer(model, "demo"), DEMO))
    assert not isinstance(pieces, Reply)
    reader = ECHO.reader(ask, SEAL)
    return [each for piece in pieces for each in reader.feed(piece)] + reader.end()


def deltas(ask: Ask) -> list[Any]:
    chunks = streamed(ask)
    assert all(isinstance(each, Chunk) for each in chunks)
    told = [msgspec.json.decode(each.data) for each in chunks if isinstance(each, Chunk)]
    return [choice for each in told for choice in each["choices"]]


def test_it_says_what_was_said_last() -> None:
    assert message(chat()) == {"role": "assistant", "content": "echo: Hello there, friend"}
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    assert message(chat(messages=[*turns, {"role": "user", "content": parts}]))["content"] == "echo: look [image_url]"
    assert message(chat(messages=[*turns, {"role": "tool", "content": "18 °C"}]))["content"] == "echo: 18 °C"


def test_it_is_the_same_whole_and_streamed_word_by_word() -> None:
    said = deltas(chat())
    assert [each["delta"].get("content") for each in said] == ["", "echo:", " Hello", " there,", " friend", None]
    assert said[-1]["finish_reason"] == "stop"
    last = streamed(chat())[-1]
    answer = served(chat())
    assert isinstance(last, Chunk)
    assert isinstance(answer, Answer)
    assert last.usage_only
    assert last.usage == answer.usage


def test_a_word_is_a_token() -> None:
    assert fields(chat())["usage"]["completion_tokens"] == 4
    assert fields(chat())["usage"]["prompt_tokens"] == 6


OBEYED = [
    ({"max_tokens": 2}, "echo: Hello", "length"),
    ({"max_completion_tokens": 1}, "echo:", "length"),
    ({"max_tokens": 50}, "echo: Hello there, friend", "stop"),
    ({"stop": "there"}, "echo: Hello ", "stop"),
    ({"stop": ["x", " friend", "Hello"]}, "echo: ", "stop"),
    ({"response_format": {"type": "json_object"}}, '{"echo":"Hello there, friend"}', "stop"),
]


@pytest.mark.parametrize(("asked", "content", "finish"), OBEYED)
def test_it_obeys(asked: dict[str, Any], content: str, finish: str) -> None:
    choice = fields(chat(**asked))["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, finish)


def test_it_gives_as_many_choices_as_asked_for() -> None:
    assert [choice["index"] for choice in fields(chat(n=3))["choices"]] == [0, 1, 2]
    assert {each["index"] for each in deltas(chat(n=2))} == {0, 1}


CALLED = [
    ("What?", {"tool_choice": "required"}, [("get_weather", '{"city":"echo"}')]),
    ("What?", {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}}, [("get_weather", None)]),
    ('call get_weather {"city": "Rome"}', {}, [("get_weather", '{"city": "Rome"}')]),
    ('call get_weather {"city":"a"}\ncall get_weather', {}, [("get_weather", '{"city":"a"}'), ("get_weather", None)]),
    ("call get_weather\ncall get_weather", {"parallel_tool_calls": False}, [("get_weather", None)]),
]


@pytest.mark.parametrize(("text", "asked", "calls"), CALLED)
def test_it_calls_tools_when_told_to(text: str, asked: dict[str, Any], calls: list[tuple[str, str | None]]) -> None:
    ask = chat(text, tools=[WEATHER], **asked)
    choice = fields(ask)["choices"][0]
    made = [call["function"] for call in choice["message"]["tool_calls"]]
    assert [call["name"] for call in made] == [name for name, _ in calls]
    assert all(arguments in (None, call["arguments"]) for call, (_, arguments) in zip(made, calls, strict=True))
    assert choice["finish_reason"] == "tool_calls"
    arguments = ["" for _ in made]
    for each in deltas(ask):
        for part in each["delta"].get("tool_calls", ()):
            arguments[part["index"]] += part["function"].get("arguments", "")
    assert arguments == [call["arguments"] for call in made]


@pytest.mark.parametrize("asked", [{"tool_choice": "none"}, {"tools": None}, {}])
def test_it_calls_no_tool_otherwise(asked: dict[str, Any]) -> None:
    assert "tool_calls" not in message(chat("What?", **({"tools": [WEATHER]} | asked)))


def test_it_thinks_aloud() -> None:
    assert message(chat("x !think hard now"))["reasoning_content"] == "hard now"
    assert any("reasoning_content" in each["delta"] for each in deltas(chat("x !think hard now")))


SCHEMAS: list[tuple[Any, Any]] = [
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 0}),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [False, False]),
    ({"enum": ["x", "y"]}, "x"),
    ({"const": 3}, 3),
    ({"type": ["null", "string"]}, "echo"),
    ({"type": "string", "minLength": 6}, "echo.."),
    ({"type": "string", "maxLength": 2}, "ec"),
    ({"type": "string", "format": "date"}, "2026-01-01"),
    ({"type": "integer", "minimum": 5, "multipleOf": 4}, 8),
    ({"type": "number", "exclusiveMaximum": -1}, -1.5),
    ({"$ref": "#/$defs/p", "$defs": {"p": {"properties": {"q": {"$ref": "#/$defs/r"}}, "required": ["q"]},
                                     "r": {"const": 1}}}, {"q": 1}),
    ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
    ({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]},
                {"properties": {"b": {"const": 2}}, "required": ["b"]}]}, {"a": 1, "b": 2}),
    (True, None),
    ({"$ref": "http://elsewhere/"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value"), SCHEMAS)
def test_it_makes_the_smallest_instance_of_a_schema(schema: Any, value: Any) -> None:
    assert instance_of(schema) == value
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert msgspec.json.decode(message(chat(response_format=wanted))["content"]) == value


def test_a_schema_that_never_ends_does_end() -> None:
    node: Any = {"type": "object", "properties": {}, "required": list("abcdef")}
    node["properties"] = {name: {"$ref": "#"} for name in "abcdef"}
    assert len(msgspec.json.encode(instance_of(node))) < 1_000_000


FAULTS = [
    ("!fail 503", "echo", "transient", 503),
    ("hi", "echo-fail-429", "rate_limited", 429),
    ("hi", "echo-fail-401", "refused", 401),
    ("!fail 413", "echo", "context_overflow", 413),
    ("hi", "echo-fail", "transient", 500),
    ("hi", "echo-garbled", "garbled", 200),
    ("!cut", "echo", "garbled", 200),
]


@pytest.mark.parametrize(("text", "model", "kind", "status"), FAULTS)
def test_it_plays_faults(text: str, model: str, kind: str, status: int) -> None:
    failure = served(chat(text), model)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.status) == (kind, status)


def test_it_plays_faults_on_streams() -> None:
    ask = chat(stream=True)
    refused = ECHO.perform_stream(ECHO.request(ask, an_offer("echo-fail-429"), DEMO))
    assert isinstance(refused, Reply)
    assert refused.status == 429
    assert ECHO.refusal(refused.status, refused.headers, refused.body).retry_after_s == 1.0
    for model, code in (("echo-cut", "upstream_incomplete"), ("echo-garbled", "malformed_response")):
        said = streamed(chat("a b c d e"), model)
        assert isinstance(said[0], Chunk)
        assert isinstance(said[-1], Failure)
        assert said[-1].code == code


def test_usage_may_be_missing() -> None:
    answer = served(chat(), "echo-no-usage")
    assert isinstance(answer, Answer)
    assert answer.usage is None
    assert answer.output_chars > 0


@pytest.mark.parametrize(
    ("text", "model", "pause_s"),
    [("x", "echo", 0), ("x", "echo-slow", 0.05), ("x", "echo-slow-0.2", 0.2), ("!slow 3", "e", 3)],
)
def test_it_can_be_slow(text: str, model: str, pause_s: float) -> None:
    assert ECHO.pause_s(ECHO.request(chat(text), an_offer(model), DEMO)) == pause_s


def completions(prompt: Any, **more: Any) -> Ask:
    return an_ask("echo", endpoint="completions", payload={"model": "m", "prompt": prompt, **more})


def test_it_completes_prompts() -> None:
    assert [choice["text"] for choice in fields(completions(["a", "b"], n=2))["choices"]] == [
        *["echo: a"] * 2,
        *["echo: b"] * 2,
    ]
    assert fields(completions("a", echo=True))["choices"][0]["text"] == "aecho: a"
    assert "".join(each["text"] for each in deltas(completions("a b"))) == "echo: a b"


def vectors(inputs: Any, **more: Any) -> list[list[float]]:
    ask = an_ask("echo", endpoint="embeddings", payload={"model": "m", "input": inputs, **more})
    return [row["embedding"] for row in fields(ask)["data"]]


def test_its_vectors_are_of_length_one_and_near_where_words_are_shared() -> None:
    same, near, far = vectors(["red blue cat", "red blue dog", "x y z"], dimensions=512)
    assert all(math.isclose(math.hypot(*vector), 1.0) for vector in (same, near, far))
    assert vectors("red blue cat", dimensions=512) == [same]
    assert dot(same, near) > dot(same, far)
    assert [len(vector) for vector in vectors("", dimensions=7)] == [7]
    assert len(vectors([1, 2, 3])) == 1


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_its_vectors_come_as_base64_too() -> None:
    ask = an_ask("echo", endpoint="embeddings", payload={"model": "m", "input": "a", "encoding_format": "base64"})
    assert isinstance(fields(ask)["data"][0]["embedding"], str)


def test_it_lists_itself_and_sends_no_credentials() -> None:
    listing = ECHO.listing(DEMO)
    assert listing is not None
    assert ECHO.listed(ECHO.perform(listing)) == ("echo",)
    assert "authorization" not in dict(ECHO.request(chat(), an_offer("echo"), DEMO).headers)
    assert ECHO.offline
