"""The first promise: any OpenAI client works by changing its base URL."""

from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from tests.serving import KEY, a_config, serving
from tests.wire import Wire

MESSAGES = [{"role": "user", "content": "Hello!"}]


def test_a_chat_completion_comes_back_with_our_id_and_the_serving_model(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        answer = client.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES})
        assert answer.status_code == 200
        body = answer.json()
        request_id = answer.headers["x-inferoute-request-id"]
        assert body["id"] == "chatcmpl-th-" + request_id.removeprefix("req-")
        assert body["model"].startswith("p1/")
        assert body["usage"]["total_tokens"] > 0
        assert answer.headers["x-inferoute-provider"] == "p1"
        assert answer.headers["x-tokenhub-model"] == "p1/gpt-4o"
        assert answer.headers["x-tokenhub-attempts"] == "1"
        assert len(answer.headers["x-tokenhub-config"]) == 12
        assert wire.requests[0].json["model"] == "gpt-4o-1"
        assert wire.requests[0].header("authorization") == "Bearer sk-CANARY-up"


def test_the_official_sdk_talks_to_it_whole_and_streaming(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        with OpenAI(api_key=KEY, base_url=gateway.url + "/v1", max_retries=0) as client:
            whole = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
            assert whole.choices[0].message.content
            chunks = list(client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
            assert {chunk.id for chunk in chunks} == {chunks[0].id}
            assert chunks[0].id.startswith("chatcmpl-th-")
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            assert all(chunk.choices for chunk in chunks), "the usage chunk goes only to those who ask"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nope", "/v1/models"])
def test_every_response_names_its_request_and_its_configuration(tmp_path: Path, path: str) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client(None) as client:
        answer = client.get(path)
        assert answer.headers["x-inferoute-request-id"].startswith("req-")
        assert len(answer.headers["x-tokenhub-config"]) == 12


def test_a_callers_own_request_id_is_echoed_beside_ours(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        answer = client.get("/v1/models", headers={"X-Request-Id": "mine-1"})
        assert answer.headers["x-request-id"] == "mine-1"
        assert answer.headers["x-inferoute-request-id"].startswith("req-")


def test_fallback_to_the_second_provider_is_invisible_but_for_the_headers(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config("http://127.0.0.1:9", wire.url), tmp_path) as gateway:
        with gateway.client() as client:
            answer = client.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES})
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-inferoute-provider"] == "p2"
        assert int(answer.headers["x-tokenhub-attempts"]) >= 2


def test_a_provider_that_fails_alone_is_a_500_that_names_it(tmp_path: Path) -> None:
    with serving(a_config("http://127.0.0.1:9"), tmp_path) as gateway, gateway.client() as client:
        answer = client.post("/v1/chat/completions", json={"model": "gpt-4o", "messages": MESSAGES})
        assert answer.status_code == 500
        assert answer.json()["provider"] == answer.json()["error"]["provider"] == "p1"
        assert answer.json()["error"]["type"] == "provider_error"
        assert answer.headers["x-should-retry"] == "false"


def test_a_wrong_method_is_told_which_is_right(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        answer = client.get("/v1/chat/completions")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert httpx.codes.is_client_error(client.delete("/v1/models").status_code)
