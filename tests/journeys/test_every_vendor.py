"""OpenAI's own client cannot tell one vendor from another: each speaks its own words at the wire."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.serving import KEY, digest_of, serving
from tests.vendors import VENDORS, Call, Vendor
from tests.wire import Wire

HELLO: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello!"}]
CALLS = (Call("call_a", "get_weather", {"city": "Rome"}), Call("call_b", "get_weather", {"city": "Köln"}))
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


class Person(BaseModel):
    name: str
    age: int


def config(vendor: Vendor, url: str) -> str:
    offer = "provider: there, price: {input: 1, output: 2}"
    return f"""
version: 1
providers:
  there: {vendor.provider(url)}
models:
  talker:
    weight: 5
    context_window: 200000
    max_output_tokens: 8000
    capabilities: [chat, tools, vision, json_schema]
    offers: [{{{offer}, id: "{vendor.model}"}}]
  mapper:
    weight: 5
    context_window: 8000
    capabilities: [embeddings, dimensions]
    offers: [{{{offer}, id: "{vendor.vector_model}"}}]
keys: [{{name: caller, digest: "{digest_of()}"}}]
"""


class Place:
    """A vendor at the wire, a gateway before it, and the official client before that."""

    def __init__(self, vendor: Vendor, wire: Wire, client: OpenAI) -> None:
        self.vendor = vendor
        self.wire = wire
        self.client = client

    def seen(self, *, stream: bool = False, vectors: bool = False) -> list[Any]:
        """What reached the vendor, each checked by it."""
        asked = [seen for seen in self.wire.requests if seen.path != "/token"]
        for seen in asked:
            self.vendor.check(seen, stream=stream, vectors=vectors)
        return asked


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    vendor = VENDORS[request.param]
    folder: Path = tmp_path_factory.mktemp("vendor")
    with Wire() as wire, serving(config(vendor, wire.url), folder, env=vendor.env) as gateway:
        vendor.prepare(wire)
        with OpenAI(api_key=KEY, base_url=gateway.url + "/v1", max_retries=0) as client:
            yield Place(vendor, wire, client)


@pytest.fixture
def place(shared: Place) -> Place:
    shared.wire.forget()
    shared.vendor.prepare(shared.wire)
    return shared


def of_vendors(fit: Callable[[Vendor], bool]) -> pytest.MarkDecorator:
    names = [vendor.name for vendor in VENDORS.values() if fit(vendor)]
    return pytest.mark.parametrize("shared", names, indirect=True, scope="module")


every_talker = of_vendors(lambda vendor: vendor.chats)
every_mapper = of_vendors(lambda vendor: vendor.embeds)
only_vertex = of_vendors(lambda vendor: vendor.name == "vertex")


@every_talker
def test_a_whole_answer(place: Place) -> None:
    place.wire.script(place.vendor.says("Grüß dich! 👋"))
    answer = place.client.chat.completions.create(model="talker", messages=HELLO, max_tokens=50, temperature=0.5)
    assert answer.choices[0].message.content == "Grüß dich! 👋"
    assert (answer.choices[0].finish_reason, answer.object) == ("stop", "chat.completion")
    assert answer.id.startswith("chatcmpl-th-")
    assert answer.model.startswith("there/")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (10, 5, 15)
    (seen,) = place.seen()
    assert "Be kind." in seen.body.decode()
    assert "50" in seen.body.decode()


@every_talker
def test_a_streamed_answer(place: Place) -> None:
    words = ("Grüß", " dich", "! ", "👋")
    place.wire.script(place.vendor.says_streamed(*words, split=7))
    told = place.client.chat.completions.create(
        model="talker", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(told)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "".join(words)
    assert {(chunk.id, chunk.object) for chunk in chunks} == {(chunks[0].id, "chat.completion.chunk")}
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (10, 5)
    assert all(chunk.model.startswith("there/") for chunk in chunks)
    place.seen(stream=True)


@every_talker
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_loop_of_two_turns_with_tools(place: Place, stream: bool) -> None:
    vendor, client = place.vendor, place.client
    calling = vendor.calls_streamed(*CALLS) if stream else vendor.calls(*CALLS)
    place.wire.script(calling, vendor.says_streamed("Sunny", " both.") if stream else vendor.says("Sunny both."))

    def turn(messages: list[Any]) -> Any:
        if not stream:
            return client.chat.completions.create(model="talker", messages=messages, tools=TOOLS).choices[0]
        with client.chat.completions.stream(model="talker", messages=messages, tools=TOOLS) as events:
            return events.get_final_completion().choices[0]

    first = turn(HELLO)
    calls = first.message.tool_calls
    assert first.finish_reason == "tool_calls"
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        (call.name, call.arguments) for call in CALLS
    ]
    assert len({call.id for call in calls}) == 2
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"sunny in {at}"} for at, call in enumerate(calls)]
    second = turn([*HELLO, first.message.model_dump(exclude_none=True), *results])
    assert (second.message.content, second.finish_reason) == ("Sunny both.", "stop")
    told = vendor.results(place.seen(stream=stream)[1])
    assert [name for name, _ in told] == [call.id for call in CALLS]
    assert ["sunny in 0" in told[0][1], "sunny in 1" in told[1][1]] == [True, True]


@every_talker
def test_structured_output_is_parsed_by_the_client(place: Place) -> None:
    place.wire.script(place.vendor.says('{"name":"Ada","age":36}'))
    ask: Any = {"model": "talker", "messages": HELLO, "response_format": Person}
    if not place.vendor.schemas:
        with pytest.raises(Exception, match="response_format"):
            place.client.chat.completions.parse(**ask)
        assert place.seen() == []
        return
    told = place.client.chat.completions.parse(**ask)
    assert told.choices[0].message.parsed == Person(name="Ada", age=36)
    (seen,) = place.seen()
    assert "age" in seen.body.decode()


@every_mapper
def test_embeddings_in_order_as_floats_and_as_base64(place: Place) -> None:
    vectors = ((0.25, -0.5, 1.0), (0.5, 0.125, -1.0))
    place.wire.script(place.vendor.vectors(*vectors), always=True)
    for wanted in ("float", "base64"):
        told = place.client.embeddings.create(
            model="mapper",
            input=["first", "second"],
            encoding_format=wanted,  # type: ignore[arg-type]
        )
        got = [row.embedding for row in told.data]
        if wanted == "float":
            assert got == [list(vector) for vector in vectors]
        else:
            assert all(isinstance(vector, str) for vector in got)
        assert [row.index for row in told.data] == [0, 1]
        assert (told.usage.prompt_tokens, told.usage.total_tokens) == (7, 7)
        assert told.model.startswith("there/")
    place.seen(vectors=True)


@only_vertex
def test_a_token_is_fetched_once_and_used_again(place: Place) -> None:
    place.wire.script(place.vendor.says("Hi."), place.vendor.says("Hi."))
    for _ in range(2):
        place.client.chat.completions.create(model="talker", messages=HELLO)
    assert sum(seen.path == "/token" for seen in place.wire.requests) <= 1
    assert len(place.seen()) == 2
