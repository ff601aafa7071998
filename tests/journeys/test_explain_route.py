"""`POST /v1/explain`: who may ask, what is told, what is not touched."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from tests.serving import KEY, digest_of, serving
from tests.wire import Wire

MESSAGES = [{"role": "user", "content": "Hello!"}]
ASK = {"model": "smart", "messages": MESSAGES}


def a_world(url: str) -> str:
    return f"""
version: 1
providers:
  near: {{dialect: openai, base_url: "{url}/v1", api_key: "${{env:OPENAI_API_KEY}}", allow_private: true}}
  secret-place: {{dialect: echo}}
models:
  big:
    max_output_tokens: 100
    capabilities: [chat, completions, tools]
    offers:
      - {{provider: near, price: {{input: 1, output: 1}}}}
      - {{provider: secret-place, price: {{input: 2, output: 2}}}}
  hidden: {{max_output_tokens: 100, offers: [{{provider: secret-place, price: {{input: 1, output: 1}}}}]}}
  vectors: {{capabilities: [embeddings], offers: [{{provider: near, price: {{input: 1, output: 0}}}}]}}
aliases: {{smart: {{tier: [big, hidden], ordered: true}}}}
fallbacks: {{big: [hidden]}}
keys:
  - {{name: web-app, digest: "{digest_of()}", limits: {{requests_per_minute: 60, monthly_usd: 0.002, concurrency: 1}}}}
  - {{name: asker, digest: "{digest_of("th-asker")}", scopes: [explain]}}
  - {{name: embedder, digest: "{digest_of("th-embedder")}", scopes: [embeddings]}}
  - {{name: narrow, digest: "{digest_of("th-narrow")}", providers: [near]}}
"""


def test_nothing_is_sent_counted_or_taken(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_world(wire.url), tmp_path) as gateway, gateway.client() as client:
        answers = [client.post("/v1/explain", json=ASK).json() for _ in range(3)]
        assert answers[0] == answers[1] == answers[2]
        assert answers[0]["verdict"]["offer"] == "near/big"
        assert answers[0]["limits"] == {
            "requests_per_minute": {"limit": 60, "remaining": 60},
            "concurrency": {"limit": 1},
            "monthly_usd": {"limit": 0.002, "spent": 0.0},
        }
        assert wire.requests == []
        assert gateway.gateway.in_flight == 0


def test_a_spent_budget_is_told_as_serving_would_tell_it(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_world(wire.url), tmp_path) as gateway, gateway.client() as client:
        explained = client.post("/v1/explain", json=ASK | {"max_tokens": 100, "n": 16}).json()
        served = client.post("/v1/chat/completions", json=ASK | {"max_tokens": 100, "n": 16})
        assert (explained["verdict"]["status"], explained["verdict"]["code"]) == (429, "monthly_spend")
        assert (served.status_code, served.json()["error"]["code"]) == (429, "monthly_spend")
        assert explained["demand"]["usd"] > 0.002


def test_scopes_are_explain_or_that_of_the_call(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_world(wire.url), tmp_path) as gateway:
        vectors = {"model": "vectors", "input": "a"}
        for key, body, status in (
            (None, ASK, 401),
            ("th-nobody", ASK, 401),
            ("th-asker", ASK, 200),
            ("th-asker", vectors, 200),
            ("th-embedder", vectors, 200),
            ("th-embedder", ASK, 403),
            (KEY, ASK, 200),
        ):
            with gateway.client(key) as client:
                answer = client.post("/v1/explain", json=body)
                assert answer.status_code == status, (key, body)
                assert answer.headers["x-tokenhub-config"]
        with gateway.client() as client:
            assert client.get("/v1/explain").status_code == 405


def test_what_a_key_may_not_use_leaves_no_trace(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_world(wire.url), tmp_path) as gateway, gateway.client("th-narrow") as client:
        for body in (
            ASK,
            ASK | {"model": "big"},
            ASK | {"model": "hidden"},
            ASK | {"model": "auto"},
            {"request": {"messages": MESSAGES, "model_hint": "hidden"}},
            {"request": {"messages": MESSAGES, "model_hint": "smart"}},
        ):
            text = client.post("/v1/explain", json=body).text
            assert "secret-place" not in text
            assert "offered by" not in text.replace("offered by near", "")
            assert "hidden" not in text.replace('"asked":"hidden"', "").replace("`hidden` does not exist", "").replace(
                "hidden is no name that this caller can use", ""
            ).replace('"name":"hidden","rule":"unknown"', "")


@pytest.mark.parametrize(
    ("query", "body", "endpoint"),
    [
        ("", ASK, "chat"),
        ("", {"model": "big", "prompt": "a"}, "completions"),
        ("", {"model": "vectors", "input": "a"}, "embeddings"),
        ("", {"request": {"messages": MESSAGES}}, "chat"),
        ("?endpoint=chat.completions", ASK, "chat"),
        ("?endpoint=/v1/chat/completions", ASK, "chat"),
        ("?endpoint=messages", ASK | {"max_tokens": 5}, "chat"),
        ("?endpoint=responses", {"model": "big", "input": "a"}, "chat"),
    ],
)
def test_the_call_is_told_by_shape_or_by_name(query: str, body: dict, endpoint: str, tmp_path: Path) -> None:
    with Wire() as wire, serving(a_world(wire.url), tmp_path) as gateway, gateway.client() as client:
        answer = client.post(f"/v1/explain{query}", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["endpoint"] == endpoint


def test_bad_bodies_are_refused_in_the_words_of_the_endpoint(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_world(wire.url), tmp_path) as gateway, gateway.client() as client:
        assert client.post("/v1/explain", json={}).json()["error"]["code"] == "missing_field"
        assert client.post("/v1/explain", content=b"{").json()["error"]["code"] == "invalid_json"
        assert client.post("/v1/explain?endpoint=nope", json=ASK).status_code == 422
        policy = client.post("/v1/explain", json={"request": {"messages": MESSAGES}, "policy": {"min_weight": 11}})
        assert (policy.status_code, policy.json()["error"]) == (400, "min_weight must be between 0 and 10")


def test_the_command_line_asks_a_running_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENHUB_KEY", KEY)
    with Wire() as wire, serving(a_world(wire.url), tmp_path) as gateway:
        run = ["explain", "--url", gateway.url, "--model", "smart", "--tokens", "300"]
        told = json.loads(CliRunner().invoke(main, [*run, "--format", "json"]).stdout)
        assert told["verdict"]["offer"] == "near/big"
        assert 290 <= told["input_tokens"] <= 310
        page = CliRunner().invoke(main, run)
        assert page.exit_code == 0
        assert "would be served by near/big (tier)" in page.stdout
        assert "limits of web-app:" in page.stdout
        policy = json.loads(
            CliRunner().invoke(main, ["explain", "--url", gateway.url, "--mode", "cheap", "--format", "json"]).stdout
        )
        assert policy["mode"] == "cheap"
        for wrong in (["--down", "near"], ["--key", "web-app"]):
            result = CliRunner().invoke(main, [*run, *wrong])
            assert result.exit_code == 2
            assert "for files only" in result.stderr
        monkeypatch.setenv("TOKENHUB_KEY", "th-wrong")
        assert "answered 401" in CliRunner().invoke(main, run).stderr
        monkeypatch.delenv("TOKENHUB_KEY")
        assert CliRunner().invoke(main, run).exit_code == 2
