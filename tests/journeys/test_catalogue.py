"""A gateway on the catalogue that ships: names, tiers and successors lead to what the vendors call their models."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import digest_of, serving
from tests.wire import Wire, anthropic_message, openai_chat, openai_error

ASK = {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 20}


class Place:
    """Two vendors at one wire, and a client of the gateway before them."""

    def __init__(self, wire: Wire, client: httpx.Client) -> None:
        self.wire = wire
        self.client = client


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Wire() as wire:
        here = "allow_private: true, api_key: '${env:OPENAI_API_KEY}'"
        config = f"""
version: 1
include: [catalog/tiers.yaml, catalog/groq.yaml]
providers:
  openai: {{base_url: "{wire.url}/v1", {here}}}
  anthropic: {{base_url: "{wire.url}", {here}}}
  gemini: {{base_url: "{wire.url}/v1beta", {here}}}
  groq: {{base_url: "{wire.url}/v1", {here}}}
routing: {{retries: {{per_offer: 0, backoff: 1ms}}}}
keys: [{{name: web-app, digest: "{digest_of()}"}}]
"""
        folder: Path = tmp_path_factory.mktemp("catalogue")
        with serving(config, folder) as gateway, gateway.client() as client:
            yield Place(wire, client)


@pytest.mark.parametrize(
    ("asked", "sent", "served"),
    [
        ("gpt-4o-mini", "gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openai/gpt-4o", "gpt-4o", "openai/gpt-4o"),
        ("gpt-4", "gpt-6.1-sol", "openai/gpt-6.1-sol"),
        ("openai/gpt-4-turbo", "gpt-6.1-sol", "openai/gpt-6.1-sol"),
        ("groq-gpt-oss-20b", "openai/gpt-oss-20b", "groq/groq-gpt-oss-20b"),
    ],
)
def test_a_name_leads_to_what_its_vendor_calls_it(place: Place, asked: str, sent: str, served: str) -> None:
    place.wire.script(openai_chat("Hello!", model=sent))
    answer = place.client.post("/v1/chat/completions", json=ASK | {"model": asked})
    assert answer.status_code == 200, answer.text
    assert place.wire.requests[-1].json["model"] == sent
    assert answer.headers["x-tokenhub-model"] == served


def test_a_retired_name_speaks_its_successors_dialect(place: Place) -> None:
    place.wire.script(anthropic_message("Hello!"))
    answer = place.client.post("/v1/chat/completions", json=ASK | {"model": "anthropic/claude-3-5-sonnet"})
    assert answer.status_code == 200, answer.text
    assert place.wire.requests[-1].target == "/v1/messages"
    assert place.wire.requests[-1].json["model"] == "claude-sonnet-5-5"


def test_a_retired_completion_model_is_followed_up(place: Place) -> None:
    place.wire.script(openai_chat(" Mount Everest"))
    ask = {"model": "openai/gpt-3.5-turbo-instruct", "prompt": "The tallest mountain is", "max_tokens": 8}
    answer = place.client.post("/v1/completions", json=ask)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["text"] == " Mount Everest"
    assert place.wire.requests[-1].json["model"] == "gpt-6-luna"


def test_a_tier_survives_the_outage_of_one_vendor(place: Place) -> None:
    place.wire.script(openai_error(500))
    answer = place.client.post("/v1/chat/completions", json=ASK | {"model": "economy"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-tokenhub-attempts"] == "2"
    failed, served = (request.target for request in place.wire.requests[-2:])
    assert failed.startswith("/v1beta/models/gemini-2.5-flash-lite:")
    assert not served.startswith("/v1beta/")


def test_models_tell_windows_and_prices_of_the_catalogue(place: Place) -> None:
    rows = {row["id"]: row for row in place.client.get("/v1/models").json()["data"]}
    luna = rows["openai/gpt-6-luna"]
    assert (luna["context_window"], luna["max_output_tokens"]) == (922_000, 128_000)
    assert {"input": 0.1, "output": 0.5}.items() <= luna["pricing"].items(), json.dumps(luna)
    assert {"premium", "balanced", "economy", "long-context"} <= set(rows)
