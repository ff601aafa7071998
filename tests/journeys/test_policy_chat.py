"""The policy-routed chat: an envelope in, an envelope out, and exact words for what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from tests.serving import a_config, serving
from tests.wire import Wire, openai_chat

MESSAGES = [{"role": "user", "content": "Hello!"}]


def envelope(**more: Any) -> dict[str, Any]:
    request = {"messages": MESSAGES} | more.pop("request", {})
    return {"request": request} | more


def test_the_answer_says_what_was_chosen_why_and_what_it_cost(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        wire.script(openai_chat("Hi.", usage={"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}))
        answer = client.post("/v1/chat", json=envelope())
        body = answer.json()
        assert answer.status_code == 200
        assert body["negotiated_model"] == "gpt-4o"
        assert body["routing_reason"] == "routed-weight-8"
        assert body["estimated_cost_usd"] == pytest.approx(150 / 1e6)
        assert body["response"]["choices"][0]["message"]["content"] == "Hi."
        assert answer.headers["x-negotiated-model"] == "gpt-4o"
        assert "trace" not in body


WRONG: dict[str, tuple[Any, int, str]] = {
    "no json": (b"{", 400, "bad json"),
    "a list": (b"[]", 400, "bad json"),
    "no messages": ({"request": {}}, 400, "messages required"),
    "empty messages": ({"request": {"messages": []}}, 400, "messages required"),
    "no request": ({}, 400, "messages required"),
    "budget": (envelope(policy={"max_budget_usd": 101}), 400, "max_budget_usd must be between 0 and 100"),
    "negative budget": (envelope(policy={"max_budget_usd": -1}), 400, "max_budget_usd must be between 0 and 100"),
    "latency": (envelope(policy={"max_latency_ms": 300001}), 400, "max_latency_ms must be between 0 and 300000"),
    "weight": (envelope(policy={"min_weight": 11}), 400, "min_weight must be between 0 and 10"),
    "too heavy": (envelope(policy={"min_weight": 9}), 502, "no eligible models"),
    "nothing for the wildcard": (envelope(request={"model_hint": "*"}), 502, "no eligible models"),
}


@pytest.mark.parametrize(("sent", "status", "text"), WRONG.values(), ids=WRONG.keys())
def test_errors_have_their_exact_words(tmp_path: Path, sent: Any, status: int, text: str) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        how = {"content": sent} if isinstance(sent, bytes) else {"json": sent}
        answer = client.post("/v1/chat", **how)
        assert (answer.status_code, answer.json()["error"]) == (status, text)
        assert wire.requests == []


def test_malformed_json_is_told_before_a_missing_key_and_a_missing_key_before_messages(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client(None) as client:
        assert client.post("/v1/chat", content=b"{").json()["error"] == "bad json"
        answer = client.post("/v1/chat", json={})
        assert (answer.status_code, answer.json()["error"]) == (401, "missing or invalid api key")


@pytest.mark.parametrize(
    "body", [{"messages": [{"role": "user", "content": "Hello!"}]}, {"request": {}}, {"request": 1}]
)
def test_without_messages_it_says_where_they_belong(body: Any, tmp_path: Path) -> None:
    with serving(a_config("http://127.0.0.1:9"), tmp_path) as gateway, gateway.client() as client:
        told = client.post("/v1/chat", json=body).json()
        assert (told["error"], told["param"]) == ("messages required", "request.messages")
        assert '{"request": {"messages": [' in told["hint"]
        assert ("/v1/chat/completions" in told["hint"]) is ("messages" in body)


@pytest.mark.parametrize(("path", "body"), [("/v1/chat", {}), ("/v1/embeddings", {})])
def test_who_lacks_a_scope_is_told_which(path: str, body: Any, tmp_path: Path) -> None:
    config = a_config("http://127.0.0.1:9", key="scopes: [models]")
    with serving(config, tmp_path) as gateway, gateway.client() as client:
        answer = client.post(path, json=body)
        told = answer.json() if path == "/v1/chat" else answer.json()["error"]
        assert answer.status_code == 403
        assert told["scope"] == path.removeprefix("/v1/")
        assert told["hint"] == f"this key needs the scope `{told['scope']}`"
        assert told["error" if path == "/v1/chat" else "message"] == "scope not allowed"


def test_a_hint_is_tried_first_and_named_as_the_reason(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        body = client.post("/v1/chat", json=envelope(request={"model_hint": " gpt-4o "})).json()
        assert body["routing_reason"] == "model-hint"


def test_a_trace_is_told_on_demand(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        body = client.post("/v1/chat", json=envelope(), headers={"X-TokenHub-Trace": "1"}).json()
        step = body["trace"]["steps"][0]
        assert step["offer"] == "p1/gpt-4o"
        assert set(step["score"]) == {"cost", "latency", "failure", "capability", "total"}


def test_json_is_unwrapped_and_a_wrong_shape_is_repaired_once(tmp_path: Path) -> None:
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        wire.script(openai_chat('{"n": "one"}'), openai_chat('```json\n{"n": 1}\n```'))
        body = client.post("/v1/chat", json=envelope(output_format={"type": "json", "schema": schema})).json()
        assert body["response"]["choices"][0]["message"]["content"] == '{"n": 1}'
        assert len(wire.requests) == 2


def test_an_answer_that_never_fits_is_a_502_with_the_path(tmp_path: Path) -> None:
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        wire.script(*[openai_chat('{"n": "one"}')] * 2)
        answer = client.post("/v1/chat", json=envelope(output_format={"type": "json", "schema": schema}))
        assert answer.status_code == 502
        assert answer.json()["error"].startswith("output does not match schema: $.n: ")


def test_streams_are_openai_chunks_with_the_envelope_in_headers(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        answer = client.post("/v1/chat", json=envelope(request={"stream": True}))
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.text.endswith("data: [DONE]\n\n")
        assert answer.headers["x-tokenhub-reason"] == "routed-weight-8"
        assert float(answer.headers["x-tokenhub-cost-estimate-usd"]) > 0
