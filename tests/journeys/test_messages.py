"""Anthropic's own client, and agents built on it, talk to any provider through `/v1/messages`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.serving import KEY, Serving, a_config, digest_of, serving
from tests.wire import Scripted, Wire, events, openai_chat, openai_error, openai_stream
from tests.wire.anthropic import anthropic_message, anthropic_stream
from tests.wire.openai import stream_chunk

HELLO: Any = [{"role": "user", "content": "Hello!"}]
TOOLS: Any = [
    {
        "name": "weather",
        "description": "The weather in a city",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]
CALLS = [("call_1", "weather", {"city": "Rome"}), ("call_2", "weather", {"city": "Köln"})]


def calling_openai(*, stream: bool) -> Scripted:
    calls = [
        {"id": name, "type": "function", "function": {"name": tool, "arguments": json.dumps(given)}}
        for name, tool, given in CALLS
    ]
    if not stream:
        return openai_chat("Let me see.", tool_calls=calls, finish="tool_calls")
    said: list[Any] = [stream_chunk({"role": "assistant", "content": "Let me see."})]
    for index, call in enumerate(calls):
        text = call["function"]["arguments"]
        said.append(stream_chunk({"tool_calls": [{"index": index, **call, "function": {"name": "weather"}}]}))
        said += [
            stream_chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
            for part in (text[:5], text[5:])
        ]
    said.append(stream_chunk({}, finish="tool_calls"))
    said.append(
        stream_chunk(None) | {"usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}},
    )
    return events(said)


def calling_anthropic(*, stream: bool) -> Scripted:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": "Let me see."}]
    blocks += [{"type": "tool_use", "id": name, "name": tool, "input": given} for name, tool, given in CALLS]
    if not stream:
        return anthropic_message(content=blocks, stop="tool_use")
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
    said: list[dict[str, Any]] = [
        {"type": "message_start", "message": start | {"usage": {"input_tokens": 10, "output_tokens": 1}}}
    ]
    for index, block in enumerate(blocks):
        tool = block["type"] == "tool_use"
        empty = block | ({"input": {}} if tool else {"text": ""})
        said.append({"type": "content_block_start", "index": index, "content_block": empty})
        delta = (
            {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            if tool
            else {"type": "text_delta", "text": block["text"]}
        )
        said.append({"type": "content_block_delta", "index": index, "delta": delta})
        said.append({"type": "content_block_stop", "index": index})
    said.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}})
    said.append({"type": "message_stop"})
    return events([(item["type"], item) for item in said], done=False)


SPEAKERS = {
    "openai": (calling_openai, lambda stream: openai_stream() if stream else openai_chat()),
    "anthropic": (calling_anthropic, lambda stream: anthropic_stream() if stream else anthropic_message()),
}


def config(wire: Wire, dialect: str, more: str = "") -> str:
    base = wire.url + ("/v1" if dialect == "openai" else "")
    return f"""
version: 1
providers:
  p: {{dialect: {dialect}, base_url: "{base}", api_key: "${{env:OPENAI_API_KEY}}", allow_private: true}}
models:
  some-model:
    weight: 8
    context_window: 128000
    max_output_tokens: 16384
    capabilities: [chat, tools, vision, json_schema]
    offers: [{{provider: p, id: upstream-model, price: {{input: 1, output: 1}}}}]
aliases: {{claude-opus-5: some-model}}
routing: {{retries: {{backoff: 1ms}}}}
keys: [{{name: agent, digest: "{digest_of()}"}}, {{name: writer, digest: "{digest_of("th-1")}", scopes: [embeddings]}}]
{more}"""


@pytest.fixture(params=["openai", "anthropic"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


def client_of(gateway: Serving, **more: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(**({"api_key": KEY, "base_url": gateway.url, "max_retries": 0} | more))


def test_a_message_whole_and_streamed(tmp_path: Path, wire: Wire, dialect: str) -> None:
    says = SPEAKERS[dialect][1]
    wire.script(says(False), says(True))
    with serving(config(wire, dialect), tmp_path) as gateway, client_of(gateway) as client:
        whole = client.messages.create(model="some-model", max_tokens=100, messages=HELLO)
        assert [block.type for block in whole.content] == ["text"]
        assert whole.content[0].text == "Hello there!"  # type: ignore[union-attr]
        assert (whole.stop_reason, whole.usage.input_tokens, whole.usage.output_tokens) == ("end_turn", 10, 5)
        assert whole.id.startswith("msg_")
        assert whole.model.startswith("p/")
        assert (whole._request_id or "").startswith("req-")
        with client.messages.stream(model="some-model", max_tokens=100, messages=HELLO) as stream:
            assert "".join(stream.text_stream) == "Hello there!"
            final = stream.get_final_message()
        assert (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens) == ("end_turn", 10, 5)
    limit = "max_tokens" if dialect == "anthropic" else "max_completion_tokens"
    assert [seen.json.get(limit, seen.json.get("max_tokens")) for seen in wire.requests] == [100, 100]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_loop_of_two_turns_with_tools(tmp_path: Path, wire: Wire, dialect: str, stream: bool) -> None:
    calling, saying = SPEAKERS[dialect]
    wire.script(calling(stream=stream), saying(stream))

    def turn(client: anthropic.Anthropic, messages: Any) -> anthropic.types.Message:
        asked: Any = {"model": "claude-opus-5", "max_tokens": 100, "messages": messages, "tools": TOOLS}
        if not stream:
            return client.messages.create(**asked)
        with client.messages.stream(**asked) as told:
            return told.get_final_message()

    with serving(config(wire, dialect), tmp_path) as gateway, client_of(gateway) as client:
        first = turn(client, HELLO)
        used = [block for block in first.content if block.type == "tool_use"]
        assert [(block.id, block.name, block.input) for block in used] == CALLS
        assert first.stop_reason == "tool_use"
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": f"sunny {block.id}"} for block in used]
        said = [block.model_dump(exclude_none=True) for block in first.content]
        second = turn(client, [*HELLO, {"role": "assistant", "content": said}, {"role": "user", "content": results}])
        assert second.content[0].text == "Hello there!"  # type: ignore[union-attr]
    told = wire.requests[1].json["messages"]
    if dialect == "openai":
        assert [message["role"] for message in told] == ["user", "assistant", "tool", "tool"]
        assert [(message["tool_call_id"], message["content"]) for message in told[2:]] == [
            ("call_1", "sunny call_1"),
            ("call_2", "sunny call_2"),
        ]
    else:
        assert [block["tool_use_id"] for block in told[-1]["content"]] == ["call_1", "call_2"]


def test_tokens_are_counted_without_calling_anybody(tmp_path: Path, wire: Wire) -> None:
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        short = client.messages.count_tokens(model="some-model", messages=HELLO)
        long = client.messages.count_tokens(
            model="claude-opus-5", messages=[{"role": "user", "content": "word " * 1000}], system="Be kind."
        )
        assert 1 <= short.input_tokens < 20
        assert 900 <= long.input_tokens <= 1500
        with pytest.raises(anthropic.NotFoundError):
            client.messages.count_tokens(model="nobody", messages=HELLO)
        with client_of(gateway, api_key="th-wrong") as stranger, pytest.raises(anthropic.AuthenticationError):
            stranger.messages.count_tokens(model="some-model", messages=HELLO)
    assert wire.requests == []


ERRORS = [
    ({"api_key": "th-wrong"}, {}, anthropic.AuthenticationError, "authentication_error"),
    ({"api_key": "th-1"}, {}, anthropic.PermissionDeniedError, "permission_error"),
    ({}, {"model": "nobody"}, anthropic.NotFoundError, "not_found_error"),
    ({}, {"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
    ({}, {"temperature": 1.5}, anthropic.UnprocessableEntityError, "invalid_request_error"),
    ({}, {"container": "c-1"}, anthropic.UnprocessableEntityError, "invalid_request_error"),
]


@pytest.mark.parametrize(("who", "fields", "kind", "said"), ERRORS, ids=[row[3] + str(row[1]) for row in ERRORS])
def test_errors_are_those_of_its_own_client(
    tmp_path: Path, wire: Wire, who: Any, fields: Any, kind: type[anthropic.APIStatusError], said: str
) -> None:
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway, **who) as client:
        with pytest.raises(kind) as caught:
            client.post(
                "/v1/messages",
                body={"model": "some-model", "max_tokens": 10, "messages": HELLO} | fields,
                cast_to=anthropic.types.Message,
            )
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", said)
    assert caught.value.request_id == body["request_id"] == caught.value.response.headers["x-inferoute-request-id"]
    assert body["request_id"].startswith("req-")
    assert wire.requests == []


UPSTREAM = [
    (openai_error(429, "rate_limit_exceeded", headers={"Retry-After": "7"}), 429, "rate_limit_error", "7"),
    (openai_error(500), 500, "api_error", None),
    (openai_error(401, "invalid_api_key"), 500, "api_error", None),
    (openai_error(400, "invalid_value", "no such thing"), 400, "invalid_request_error", None),
]


@pytest.mark.parametrize(("said", "status", "kind", "wait"), UPSTREAM, ids=["429", "500", "401", "400"])
def test_a_providers_failure_names_it(
    tmp_path: Path, wire: Wire, said: Scripted, status: int, kind: str, wait: str | None
) -> None:
    wire.script(said, always=True)
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        with pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(model="some-model", max_tokens=10, messages=HELLO)
    body: Any = caught.value.body
    assert (caught.value.status_code, body["error"]["type"], body["provider"]) == (status, kind, "p")
    assert caught.value.response.headers.get("retry-after") == wait


def test_an_input_that_is_too_long_is_told_in_the_words_that_agents_look_for(tmp_path: Path, wire: Wire) -> None:
    wire.script(openai_error(400, "context_length_exceeded", "maximum context length is 8192 tokens"))
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        with pytest.raises(anthropic.BadRequestError, match="prompt is too long: maximum context length"):
            client.messages.create(model="some-model", max_tokens=10, messages=HELLO)


def test_a_stream_that_breaks_ends_with_an_error_event(tmp_path: Path, wire: Wire) -> None:
    wire.script(
        openai_stream(finish=None, usage=None, done=False, ending=[{"error": {"message": "down"}}], pace_s=0.02)
    )
    with serving(config(wire, "openai"), tmp_path) as gateway, client_of(gateway) as client:
        heard = ""
        with (
            pytest.raises(anthropic.APIStatusError, match="down"),
            client.messages.stream(model="some-model", max_tokens=10, messages=HELLO) as stream,
        ):
            for text in stream.text_stream:
                heard += text
        assert heard.startswith("Hello")


def test_x_api_key_is_a_credential_on_these_routes_alone(tmp_path: Path, wire: Wire) -> None:
    asked = {"model": "some-model", "max_tokens": 10, "messages": HELLO}
    with serving(config(wire, "openai"), tmp_path) as gateway, gateway.client(None) as client:
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "anthropic-beta": "anything"}
        assert client.post("/v1/messages", json=asked, headers=headers).status_code == 200
        assert client.post("/v1/messages/count_tokens", json=asked, headers=headers).status_code == 200
        bearer = client.post("/v1/messages", json=asked, headers={"Authorization": f"Bearer {KEY}"})
        assert bearer.status_code == 200
        for path in ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/chat"):
            assert client.post(path, json=asked, headers=headers).status_code == 401
        missing = client.post("/v1/messages", json=asked)
        assert (missing.status_code, missing.json()["error"]["type"]) == (401, "authentication_error")
        assert missing.headers["request-id"] == missing.json()["request_id"]
        wrong = client.get("/v1/messages")
        assert (wrong.status_code, wrong.headers["allow"], wrong.json()["type"]) == (405, "POST", "error")


def test_the_same_loop_limits_and_headers_as_everywhere(tmp_path: Path, wire: Wire) -> None:
    asked = {"model": "gpt-4o", "max_tokens": 10, "messages": HELLO}
    url = "http://127.0.0.1:9"
    with serving(a_config(url, wire.url, key="limits: {requests_per_minute: 1}"), tmp_path) as gateway:
        with gateway.client() as client:
            answer = client.post("/v1/messages", json=asked)
            assert (answer.status_code, answer.headers["x-inferoute-provider"]) == (200, "p2")
            assert int(answer.headers["x-tokenhub-attempts"]) >= 2
            assert answer.headers["request-id"] == answer.headers["x-inferoute-request-id"]
            over = client.post("/v1/messages", json=asked)
            assert (over.status_code, over.json()["error"]["type"]) == (429, "rate_limit_error")
            assert over.json()["error"]["code"] == "requests_per_minute"
            assert int(over.headers["retry-after"]) >= 1
            assert 'endpoint="messages"' in client.get("/metrics").text


def test_what_nobody_here_knows_is_left_out_and_named_where_that_is_allowed(tmp_path: Path, wire: Wire) -> None:
    asked = {"model": "some-model", "max_tokens": 10, "messages": HELLO, "context_management": {"edits": [{}]}}
    more = "defaults: {unsupported_parameters: drop}\n"
    with serving(config(wire, "openai", more), tmp_path) as gateway, gateway.client() as client:
        answer = client.post("/v1/messages", json=asked)
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-tokenhub-dropped"] == "context_management"
    with serving(config(wire, "openai"), tmp_path) as gateway, gateway.client() as client:
        answer = client.post("/v1/messages", json=asked)
        assert (answer.status_code, answer.json()["error"]["param"]) == (422, "context_management")


def test_images_documents_and_cache_markers_find_their_way(tmp_path: Path, wire: Wire) -> None:
    parts: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "text", "text": "What is it?", "cache_control": {"type": "ephemeral"}},
    ]
    wire.script(anthropic_message())
    with serving(config(wire, "anthropic"), tmp_path) as gateway, client_of(gateway) as client:
        client.messages.create(model="some-model", max_tokens=10, messages=[{"role": "user", "content": parts}])
    assert wire.requests[0].json["messages"] == [{"role": "user", "content": parts}]
