"""What a request will probably use and cost, before it is made; and what it did cost, after.

Costs are USD. An offer that the files declare `unpriced` costs nothing here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from gateway.domain.answer import Usage
from gateway.domain.ask import Ask
from gateway.domain.table import Offer, Price
from gateway.routing.text_tokens import text_tokens

MILLION = 1_000_000

HEADROOM = 1.15
"""Input is estimated; a reserve and a hard limit count this much more of it."""

DEFAULT_OUTPUT_TOKENS = 512
"""Counted where the caller sets no limit."""

PER_REQUEST_TOKENS = 3
"""Every answer is primed with `<|start|>assistant<|message|>` (OpenAI cookbook, token counting)."""
PER_MESSAGE_TOKENS = 4
PER_TOOL_CALL_TOKENS = 8
PER_TOOL_TOKENS = 6
SCHEMA_SHARE = 0.75
"""Of its JSON: OpenAI turns a schema into terser type declarations (about half), others repeat it as it is."""

IMAGE_TOKENS: Mapping[str, int] = {"low": 85, "high": 765, "auto": 765}
"""By `detail`; 765 is a 1024 by 1024 image: 85 and four tiles of 170 (OpenAI's vision guide)."""

AUDIO_BYTES_PER_TOKEN: Mapping[str, int] = {"wav": 4800, "pcm16": 4800}
"""Ten tokens a second; 48 kB a second for wav at 24 kHz."""
PACKED_AUDIO_BYTES_PER_TOKEN = 1600
"""16 kB a second, mp3 at 128 kbit/s."""
FILE_BYTES_PER_TOKEN = 40
"""A PDF of text: about 30 kB and 750 tokens a page."""


def input_tokens(payload: Mapping[str, Any]) -> int:
    """An estimate of the prompt in tokens, for any endpoint; never 0."""
    total = 0.0
    for field, value in payload.items():
        if field in _COUNTERS:
            total += _COUNTERS[field](msgspec.json.decode(value) if isinstance(value, Raw) else value)
    return round(total) or 1


def conversation_tokens(texts: list[str]) -> int:
    """The same for messages that have a role and a text each, and where nothing else counts."""
    total: float = PER_REQUEST_TOKENS + PER_MESSAGE_TOKENS * len(texts)
    for text in texts:
        total += text_tokens(text)
    return round(total) or 1


def at_least_hint(estimate: int, hint: int | None) -> int:
    """A caller may know better, but only upwards: their hint never lowers our estimate."""
    return max(estimate, hint or 0)


def output_wanted(ask: Ask) -> int:
    """The output per choice that estimates and limits count with, before the model's own maximum caps it."""
    if ask.endpoint == "embeddings":
        return 0
    shaped = ask.output.max_tokens if ask.output is not None else None
    if ask.output_tokens is None:
        return DEFAULT_OUTPUT_TOKENS if shaped is None else shaped
    return ask.output_tokens if shaped is None else min(ask.output_tokens, shaped)


def output_tokens(wanted: int, offer: Offer) -> int:
    most = offer.max_output_tokens
    return most if 0 < most < wanted else wanted


def estimate_cost(offer: Offer, input_tokens: int, output_tokens: int, choices: int = 1) -> float:
    price = offer.price
    if price is None:
        return 0.0
    per_input, per_output = price.input, price.output
    above = price.above
    if above is not None and input_tokens > above.tokens:
        per_input, per_output = above.input, above.output
    return (input_tokens * per_input + output_tokens * choices * per_output) / MILLION + price.request


def cost_usd(price: Price | None, usage: Usage) -> float:
    """Exact over the disjoint buckets; a prompt above the threshold is charged the tier's prices as a whole."""
    if price is None:
        return 0.0
    above = price.above
    rates = above if above is not None and usage.prompt_tokens > above.tokens else price
    per_input, per_output = rates.input, rates.output
    charge = usage.input_tokens * per_input + usage.output_tokens * per_output
    if usage.cache_read_tokens:
        charge += usage.cache_read_tokens * _or(rates.cached_input, per_input)
    if usage.cache_write_tokens:
        charge += usage.cache_write_tokens * _or(rates.cache_write, per_input)
    if usage.audio_input_tokens:
        charge += usage.audio_input_tokens * _or(price.audio_input, per_input)
    if usage.image_tokens:
        charge += usage.image_tokens * _or(price.image, per_input)
    if usage.reasoning_tokens:
        charge += usage.reasoning_tokens * _or(price.reasoning, per_output)
    if usage.audio_output_tokens:
        charge += usage.audio_output_tokens * _or(price.audio_output, per_output)
    return charge / MILLION + price.request


def padded(input_tokens: int) -> int:
    """The input with its headroom, rounded up to whole tokens."""
    return (input_tokens * 115 + 99) // 100


def _or(price: float | None, otherwise: float) -> float:
    return otherwise if price is None else price


def _messages_tokens(messages: Any) -> float:
    if not isinstance(messages, list):
        return 0.0
    total: float = PER_REQUEST_TOKENS + PER_MESSAGE_TOKENS * len(messages)
    for message in messages:
        if isinstance(message, dict):
            content = message.get("content")
            total += text_tokens(content) if isinstance(content, str) else _parts_tokens(content)
            if len(message) > 2:
                total += _extras_tokens(message)
    return total


def _parts_tokens(content: Any) -> float:
    if not isinstance(content, list):
        return 0.0
    return sum(_part_tokens(part) for part in content if isinstance(part, dict))


def _part_tokens(part: dict[str, Any]) -> float:
    match part:
        case {"text": str(text)} | {"refusal": str(text)}:
            return text_tokens(text)
        case {"type": "image_url", "image_url": {"detail": str(detail)}}:
            return IMAGE_TOKENS.get(detail, IMAGE_TOKENS["auto"])
        case {"type": "image_url"}:
            return IMAGE_TOKENS["auto"]
        case {"type": "input_audio", "input_audio": {"data": str(data), **rest}}:
            return _decoded_bytes(data) / AUDIO_BYTES_PER_TOKEN.get(
                str(rest.get("format")), PACKED_AUDIO_BYTES_PER_TOKEN
            )
        case {"type": "file", "file": {"file_data": str(data)}}:
            return _decoded_bytes(data) / FILE_BYTES_PER_TOKEN
        case _:
            return 0.0


def _decoded_bytes(base64: str) -> float:
    return len(base64) * 0.75


def _extras_tokens(message: dict[str, Any]) -> float:
    """Names, reasoning and calls: what a message has beside role and content."""
    total = 0.0
    for field in ("name", "refusal", "reasoning_content"):
        if isinstance(text := message.get(field), str):
            total += text_tokens(text) + 1
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        total += PER_TOOL_CALL_TOKENS + _call_tokens(call)
    return total + _call_tokens({"function": message.get("function_call")})


def _call_tokens(call: Any) -> float:
    match call:
        case {"function": dict(said)} | {"custom": dict(said)}:
            return sum(text_tokens(text) for text in said.values() if isinstance(text, str))
        case _:
            return 0.0


def _prompt_tokens(prompt: Any) -> float:
    """A string, strings, token ids, or lists of token ids."""
    if isinstance(prompt, str):
        return text_tokens(prompt)
    total = 0.0
    for item in prompt if isinstance(prompt, list) else ():
        if isinstance(item, str):
            total += text_tokens(item)
        else:
            total += len(item) if isinstance(item, list) else 1
    return total


def _tools_tokens(tools: Any) -> float:
    count = len(tools) if isinstance(tools, list) else 0
    return PER_TOOL_TOKENS * (count + 1) + _json_tokens(tools) if count else 0.0


def _shape_tokens(shape: Any) -> float:
    return _json_tokens(shape) if isinstance(shape, dict) and "json_schema" in shape else 0.0


def _json_tokens(value: Any) -> float:
    return SCHEMA_SHARE * text_tokens(msgspec.json.encode(value).decode())


_COUNTERS: Mapping[str, Callable[[Any], float]] = {
    "messages": _messages_tokens,
    "prompt": _prompt_tokens,
    "suffix": _prompt_tokens,
    "input": _prompt_tokens,
    "tools": _tools_tokens,
    "functions": _tools_tokens,
    "response_format": _shape_tokens,
}

COUNTED = frozenset(_COUNTERS)
"""The fields that `input_tokens` reads."""
