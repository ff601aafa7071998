"""The matrix is true: what it calls refused is refused by name, and what it calls spoken reaches the provider."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gateway.dialects.base import FEATURES, Proof
from gateway.dialects.registry import BY_NAME
from gateway.domain.ask import Ask
from gateway.domain.dialect_facts import DIALECTS
from gateway.domain.table import Provider
from tests.builders import a_provider, an_ask, an_offer

HI: dict[str, Any] = {"role": "user", "content": "Hi"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALLED = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PNG = "data:image/png;base64,iVBORw0KGgo="
MARK = {"type": "ephemeral"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}


def image(url: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}


SAMPLES: dict[str, dict[str, Any]] = {
    "chat": {},
    "streaming": {"stream": True},
    "system_prompt": {"messages": [{"role": "system", "content": "Be kind."}, HI]},
    "tools": {"tools": [TOOL]},
    "tool_choice": {"tools": [TOOL], "tool_choice": "required"},
    "tool_results": {
        "messages": [
            HI,
            {"role": "assistant", "content": None, "tool_calls": [CALLED]},
            {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        ],
        "tools": [TOOL],
    },
    "image_url": image("https://example.com/a.png"),
    "image_data": image(PNG),
    "audio_input": {
        "messages": [
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}
        ]
    },
    "audio_output": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    "json_object": {"response_format": {"type": "json_object"}},
    "json_schema": {"response_format": SCHEMA},
    "stop": {"stop": ["END"]},
    "sampling": {"temperature": 0.5},
    "max_tokens": {"max_tokens": 50},
    "n": {"n": 2},
    "seed": {"seed": 7},
    "penalties": {"frequency_penalty": 0.5},
    "logit_bias": {"logit_bias": {"50256": -100}},
    "logprobs": {"logprobs": True},
    "reasoning_effort": {"reasoning_effort": "high"},
    "prompt_cache": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}
        ]
    },
}
VECTORS: dict[str, dict[str, Any]] = {
    "embeddings": {"input": "text"},
    "embedding_dimensions": {"input": "text", "dimensions": 8},
    "embedding_base64": {"input": "text", "encoding_format": "base64"},
    "embedding_tokens": {"input": [1, 2, 3]},
}
UNTESTED = frozenset(
    {
        *("parallel_tool_calls", "reasoning_content", "usage", "cached_tokens", "reasoning_tokens"),
        *("completions", "model_listing"),
    }
)
"""Not fields of a chat request: said of answers, or of other endpoints."""
FEATURES_ASKED = {"image_url": "vision", "image_data": "vision", "audio_input": "audio"}
NAMED = {"tool_choice": {"tool_choice": {"type": "function", "function": {"name": "f"}}}}
"""Another value of the same field: a host that refuses one of them is said not to know the field."""


def provider_of(dialect: str) -> Provider:
    base_url = (DIALECTS[dialect].base_url or "https://resource.example").replace("{region}", "us-east-1")
    return a_provider(dialect, dialect=dialect, base_url=base_url)


def ask_of(feature: str) -> Ask:
    if feature in VECTORS:
        return an_ask(endpoint="embeddings", payload={"model": "m", **VECTORS[feature]})
    payload = {"model": "m", "messages": [HI], **SAMPLES[feature]}
    features = frozenset({FEATURES_ASKED[feature]}) if feature in FEATURES_ASKED else frozenset[str]()
    return an_ask(payload=payload, stream="stream" in payload, features=features)


def test_every_row_of_the_matrix_is_tried_or_said_to_be_of_another_kind() -> None:
    assert {*SAMPLES, *VECTORS, *UNTESTED} == set(FEATURES)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("feature", [*SAMPLES, *VECTORS])
def test_refused_in_the_matrix_is_refused_by_name(dialect: str, feature: str) -> None:
    speaker, provider = BY_NAME[dialect], provider_of(dialect)
    support = speaker.support_of(dialect).get(feature, "refused")
    if feature in VECTORS and speaker.support_of(dialect).get("embeddings", "refused") == "refused":
        return  # no model of it serves embeddings, so nobody gets there
    ask, offer = ask_of(feature), an_offer("upstream-id", dialect)
    named = speaker.unsupported(ask, provider, offer)
    if feature in NAMED:
        named += speaker.unsupported(replace(ask, payload={**ask.payload, **NAMED[feature]}), provider, offer)
    if support == "refused":
        assert named, "called refused, but nothing is refused"
    else:
        assert named == ()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("feature", SAMPLES)
def test_what_is_spoken_changes_what_reaches_the_provider(dialect: str, feature: str) -> None:
    speaker, provider = BY_NAME[dialect], provider_of(dialect)
    if speaker.support_of(dialect).get(feature, "refused") == "refused" or feature in ("chat", "prompt_cache"):
        return
    offer = an_offer("upstream-id", dialect)
    proof = Proof(now_unix=1.0)
    said, plain = (speaker.request(ask, offer, provider, proof) for ask in (ask_of(feature), ask_of("chat")))
    assert (said.url, msgspec.json.decode(said.body)) != (plain.url, msgspec.json.decode(plain.body))
