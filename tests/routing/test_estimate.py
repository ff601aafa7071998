"""Prompts, prices and reserves."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.answer import Usage
from gateway.domain.table import Price, PriceTier
from gateway.routing.estimate import at_least_hint, cost_usd, estimate_cost, input_tokens
from gateway.routing.overflow import reduced_max_tokens
from tests.builders import an_offer

HELLO = {
    "role": "user",
    "content": "Hello, my name is GPT-4o. I'm a new type of language model, it's nice to meet you!",
}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}


def image(detail: str | None) -> dict[str, Any]:
    url: dict[str, Any] = {"url": "data:image/png;base64," + "A" * 100_000}
    return {"type": "image_url", "image_url": url | ({"detail": detail} if detail else {})}


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    ("payload", "least", "most"),
    [
        ({"messages": [HELLO]}, 27, 36),
        ({"messages": [{"role": "system", "content": "You are a helpful assistant."}, HELLO]}, 36, 50),
        ({"messages": [HELLO], "tools": [TOOL]}, 90, 140),
        (user({"type": "text", "text": "What is this?"}, image("low")), 90, 105),
        (user({"type": "text", "text": "What is this?"}, image("high")), 765, 790),
        (user(image(None), image("auto")), 1530, 1545),
        (user({"type": "input_audio", "input_audio": {"data": "A" * 64_000, "format": "wav"}}), 10, 20),
        (user({"type": "input_audio", "input_audio": {"data": "A" * 64_000, "format": "mp3"}}), 30, 45),
        (user({"type": "file", "file": {"file_data": "A" * 40_000}}), 700, 800),
        ({"prompt": "Once upon a time"}, 3, 6),
        ({"prompt": ["Once upon a time", "there was"]}, 5, 9),
        ({"prompt": [1, 2, 3, 4]}, 4, 4),
        ({"input": [[1, 2, 3], [4, 5]]}, 5, 5),
        ({"input": "Привет, меня зовут"}, 4, 8),
        ({}, 1, 1),
        ({"messages": None, "tools": 3, "prompt": 7}, 1, 1),
        ({"messages": [None, 3, {"content": {"a": 1}}, {"content": [None, {"type": "image_url"}]}]}, 1, 800),
    ],
)
def test_prompts_of_every_shape_are_estimated(payload: dict[str, Any], least: int, most: int) -> None:
    assert least <= input_tokens(payload) <= most


def test_calls_and_their_results_count() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    with_call = [HELLO, {"role": "assistant", "content": None, "tool_calls": [call]}]
    assert input_tokens({"messages": with_call}) >= input_tokens({"messages": [HELLO]}) + 15
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": TOOL}}
    assert input_tokens({"messages": [HELLO], "response_format": schema}) > input_tokens({"messages": [HELLO]}) + 40


def test_parts_that_were_left_undecoded_are_estimated_alike() -> None:
    raw = msgspec.Raw(msgspec.json.encode([HELLO]))
    assert input_tokens({"messages": raw}) == input_tokens({"messages": [HELLO]})


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6), st.text(max_size=60))
def test_another_message_never_makes_a_prompt_shorter(texts: list[str], more: str) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    longer = [*messages, {"role": "user", "content": more}]
    assert input_tokens({"messages": longer}) > input_tokens({"messages": messages})


@pytest.mark.parametrize(("ours", "hint", "counted"), [(10, None, 10), (10, 0, 10), (10, 500, 500), (500, 10, 500)])
def test_a_hint_only_raises_the_estimate(ours: int, hint: int | None, counted: int) -> None:
    assert at_least_hint(ours, hint) == counted


FULL = Price(
    input=2.0,
    output=8.0,
    cached_input=0.5,
    cache_write=2.5,
    reasoning=9.0,
    audio_input=40.0,
    audio_output=80.0,
    image=3.0,
    request=0.01,
)
BARE = Price(input=2.0, output=8.0)
TIERED = Price(input=1.0, output=10.0, cached_input=0.1, above=PriceTier(tokens=1000, input=2.0, output=15.0))
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("price", "usage", "usd"),
    [
        (FULL, Usage(input_tokens=MILLION), 2.01),
        (FULL, Usage(cache_read_tokens=MILLION), 0.51),
        (FULL, Usage(cache_write_tokens=MILLION), 2.51),
        (FULL, Usage(output_tokens=MILLION), 8.01),
        (FULL, Usage(reasoning_tokens=MILLION), 9.01),
        (FULL, Usage(audio_input_tokens=MILLION), 40.01),
        (FULL, Usage(audio_output_tokens=MILLION), 80.01),
        (FULL, Usage(image_tokens=MILLION), 3.01),
        (FULL, Usage(), 0.01),
        (BARE, Usage(cache_read_tokens=MILLION, cache_write_tokens=MILLION, audio_input_tokens=MILLION), 6.0),
        (BARE, Usage(reasoning_tokens=MILLION, audio_output_tokens=MILLION, image_tokens=MILLION), 18.0),
        (BARE, Usage(input_tokens=11, output_tokens=7), 78e-6),
        (TIERED, Usage(input_tokens=1000, output_tokens=10), 1.1e-3),
        (TIERED, Usage(input_tokens=1001, output_tokens=10), 2.152e-3),
        (TIERED, Usage(input_tokens=500, cache_read_tokens=501), 2.002e-3),
        (TIERED, Usage(input_tokens=500, cache_read_tokens=500), 0.55e-3),
        (None, Usage(input_tokens=MILLION), 0.0),
    ],
)
def test_buckets_are_priced_exactly(price: Price | None, usage: Usage, usd: float) -> None:
    assert cost_usd(price, usage) == pytest.approx(usd, abs=1e-12)


@pytest.mark.parametrize(
    ("price", "tokens", "output", "choices", "usd"),
    [
        (BARE, 500, 512, 1, 0.005096),
        (BARE, 500, 512, 2, 0.009192),
        (FULL, 0, 0, 1, 0.01),
        (TIERED, 1000, 0, 1, 0.001),
        (TIERED, 2000, 100, 1, 0.0055),
        (None, 500, 512, 1, 0.0),
    ],
)
def test_estimates_use_list_price_and_tier(
    price: Price | None, tokens: int, output: int, choices: int, usd: float
) -> None:
    assert estimate_cost(an_offer(price=price), tokens, output, choices) == pytest.approx(usd, abs=1e-12)


@pytest.mark.parametrize(
    ("window", "most", "tokens", "requested", "reduced"),
    [
        (8192, 0, 6000, 4096, 1292),
        (8192, 0, 1000, 8000, 7042),
        (8192, 0, 7100, 4096, None),
        (8192, 0, 9000, 100, None),
        (8192, 0, 6000, None, None),
        (0, 0, 6000, 4096, None),
        (8192, 2048, 6000, 4096, 1125),
        (8192, 0, 10, 64, None),
    ],
)
def test_an_output_is_shrunk_only_where_that_cures_the_overflow(
    window: int, most: int, tokens: int, requested: int | None, reduced: int | None
) -> None:
    offer = an_offer(context_window=window, max_output_tokens=most)
    assert reduced_max_tokens(offer, tokens, requested) == reduced


@settings(max_examples=100, deadline=None)
@given(st.integers(100, 200_000), st.integers(1, 250_000), st.integers(1, 250_000))
def test_a_reduced_output_always_fits(window: int, tokens: int, requested: int) -> None:
    reduced = reduced_max_tokens(an_offer(context_window=window, max_output_tokens=0), tokens, requested)
    assert reduced is None or (0 < reduced < requested and tokens * 1.15 + reduced <= window)
