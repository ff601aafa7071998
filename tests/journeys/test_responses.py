"""OpenAI's newer interface, as far as it needs no memory: any provider answers at `/v1/responses`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.journeys.test_messages import SPEAKERS, config
from tests.serving import KEY, Serving, serving
from tests.wire import Wire, openai_chat, openai_error, openai_stream
from tests.wire.anthropic import anthropic_message

TOOLS: Any = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}]


class Person(BaseModel):
    name: str


@pytest.fixture(params=["openai", "anthropic"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


def client_of(gateway: Serving, **more: Any) -> OpenAI:
    return OpenAI(**({"api_key": KEY, "base_url": gateway.url + "/v1", "max_retries": 0} | more))


def test_a_response_whole_and_streamed(tmp_path: Path, wire: Wire, dialect: str) -> None:
    says = SPEAKERS[dialect][1]
    wire.script(says(False), says(True))
    with serving(config(wire, dialect), tmp_path) as gateway, client_of(gateway) as client:
        whole = client.responses.create(
            model="some-model", input="Hello!", instructions="Be kind.", metadata={"a": "b"}
        )
        assert (whole.output_text, whole.status, whole.id[:5]) == ("Hello there!", "completed", "resp_")
        assert whole.usage is not None
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (10, 5)
        assert (whole.instructions, whole.metadata) == ("Be kind.", {"a": "b"})
        with client.responses.stream(model="some-model", input="Hello!") as stream:
            kinds = [event.type for event in stream]
            final = stream.get_final_response()
        assert kinds[0] == "response.created"
        assert kinds[-1] == "response.completed"
        assert final.output_text == "Hello there!"
        assert final.usage is not None
        assert final.usage.total_tokens == 15
    told = json.dumps(wire.requests[0].json)
    assert "Be kind." in told
    assert "metadata" not in wire.requests[0].json


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_loop_of_two_turns_with_tools(tmp_path: Path, wire: Wire, dialect: str, stream: bool) -> None:
    calling, saying = SPEAKERS[dialect]
    wire.script(calling(stream=stream), saying(stream))

    def turn(client: OpenAI, items: Any) -> openai.types.responses.Response:
        if not stream:
            return client.responses.create(model="claude-opus-5", input=items, tools=TOOLS, store=False)
        with client.responses.stream(model="claude-opus-5", input=items, tools=TOOLS, store=False) as told:
            return told.get_final_response()

    items: list[Any] = [{"role": "user", "content": "Weather?"}]
    with serving(config(wire, dialect), tmp_path) as gateway, client_of(gateway) as client:
        first = turn(client, items)
        calls = [item for item in first.output if item.type == "function_call"]
        assert [(call.call_id, call.name, json.loads(call.arguments)) for call in calls] == [
            ("call_1", "weather", {"city": "Rome"}),
            ("call_2", "weather", {"city": "Köln"}),
        ]
        items += [item.model_dump(exclude_none=True) for item in first.output]
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
        assert turn(client, items).output_text == "Hello there!"
    assert all(call.call_id in json.dumps(wire.requests[1].json) for call in calls)


def test_structured_output_is_parsed_by_the_client(tmp_path: Path, wire: Wire) -> None:
    wire.script(openai_chat('{"name":"Ada"}'))
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        told = client.responses.parse(model="some-model", input="Who?", text_format=Person)
    assert told.output_parsed == Person(name="Ada")
    assert wire.requests[0].json["response_format"]["json_schema"]["schema"]["required"] == ["name"]


def test_an_answer_that_was_cut_is_incomplete(tmp_path: Path, wire: Wire) -> None:
    wire.script(anthropic_message("Hel", stop="max_tokens"))
    with serving(config(wire, "anthropic"), tmp_path) as gateway, client_of(gateway) as client:
        told = client.responses.create(model="some-model", input="Hello!", max_output_tokens=1)
    assert told.status == "incomplete"
    assert told.incomplete_details is not None
    assert told.incomplete_details.reason == "max_output_tokens"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"store": True}, "store"),
    ({"background": True}, "background"),
    ({"truncation": "auto"}, "truncation"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"temperature": 3}, "temperature"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_needs_a_memory_or_cannot_be_is_refused_by_name(
    tmp_path: Path, wire: Wire, fields: dict[str, Any], param: str
) -> None:
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            client.post("/responses", body={"model": "some-model", "input": "Hi"} | fields, cast_to=object)
    assert (caught.value.param, caught.value.type) == (param, "invalid_request_error")
    assert wire.requests == []


def test_even_where_fields_may_be_dropped_a_memory_is_not_pretended(tmp_path: Path, wire: Wire) -> None:
    more = "defaults: {unsupported_parameters: drop}\n"
    asked = {"model": "some-model", "input": "Hi", "background": True}
    with serving(config(wire, "openai", more), tmp_path) as gateway, gateway.client() as client:
        answer = client.post("/v1/responses", json=asked)
        assert (answer.status_code, answer.headers["x-tokenhub-dropped"]) == (200, "background")
        answer = client.post("/v1/responses", json=asked | {"previous_response_id": "resp_1"})
        assert (answer.status_code, answer.json()["error"]["param"]) == (422, "previous_response_id")


@pytest.mark.parametrize("given", [None, []])
def test_without_input_there_is_nothing_to_answer(tmp_path: Path, wire: Wire, given: Any) -> None:
    with serving(config(wire, "openai"), tmp_path) as gateway, gateway.client() as client:
        answer = client.post("/v1/responses", json={"model": "some-model", "input": given})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "missing_field", "input")


def test_a_stream_that_breaks_says_that_it_failed(tmp_path: Path, wire: Wire) -> None:
    wire.script(
        openai_stream(finish=None, usage=None, done=False, ending=[{"error": {"message": "down"}}], pace_s=0.02)
    )
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        seen = list(client.responses.create(model="some-model", input="Hello!", stream=True))
        assert [event.type for event in seen[-2:]] == ["error", "response.failed"]
        assert "response.output_text.delta" in [event.type for event in seen]
        assert "down" in str(seen[-1])
        with gateway.client() as raw:
            wire.script(openai_stream(finish=None, usage=None, done=False, pace_s=0.02))
            text = raw.post("/v1/responses", json={"model": "some-model", "input": "Hi", "stream": True}).text
        assert '"type":"response.failed"' in text


def test_errors_are_openais(tmp_path: Path, wire: Wire) -> None:
    wire.script(openai_error(500), always=True)
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            client.responses.create(model="some-model", input="Hello!")
        body: Any = caught.value.body
        assert (body["type"], body["provider"]) == ("provider_error", "p")
        with pytest.raises(openai.NotFoundError):
            client.responses.create(model="nobody", input="Hello!")
        with client_of(gateway, api_key="th-wrong") as stranger, pytest.raises(openai.AuthenticationError):
            stranger.responses.create(model="some-model", input="Hello!")
        with gateway.client() as raw:
            assert 'endpoint="responses"' in raw.get("/metrics").text
