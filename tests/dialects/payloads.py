"""Strategies: bodies that our validation would admit, sensible and senseless ones."""

from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
NAMES = st.text("abcdefghij_", min_size=1, max_size=8)
NUMBERS = st.integers(-(2**40), 2**40) | st.sampled_from([0.5, -1.5, 2.0, 1e9])
LEAVES = st.none() | st.booleans() | NUMBERS | WORDS
TELLING = st.sampled_from(
    ["text", "image_url", "file", "input_audio", "refusal", "function", "json_schema", "json_object", "type", "url"]
)
KEYS = TELLING | st.sampled_from(
    ["role", "content", "parts", "id", "name", "arguments", "tool_calls", "schema", "file_data", "signature", "index"]
)


def anything(depth: int = 6) -> st.SearchStrategy[Any]:
    """Any JSON, with a liking for the words that matter."""
    return st.deferred(lambda: _any_json(depth))  # deferred strategies have a short name, which Hypothesis prefers


@cache
def _any_json(depth: int) -> st.SearchStrategy[Any]:
    return st.recursive(
        LEAVES | TELLING,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | NAMES, inner, max_size=4),
        max_leaves=depth,
    )


def shaped(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which every field may be missing, or be what nobody expects."""
    whole = st.fixed_dictionaries({}, optional={name: value | anything(3) for name, value in fields.items()})
    return st.deferred(lambda: whole)


PART = shaped(
    {
        "type": TELLING,
        "text": WORDS,
        "image_url": shaped({"url": st.sampled_from(["data:image/png;base64,AA", "data:,x", "https://x.test/a"])}),
        "file": shaped({"file_data": st.just("data:application/pdf;base64,AA"), "filename": WORDS}),
        "input_audio": shaped({"data": st.just("AA"), "format": st.sampled_from(["wav", "mp3", "ogg"])}),
        "cache_control": st.just({"type": "ephemeral"}),
    }
)
CALL = shaped(
    {
        "id": NAMES,
        "type": st.just("function"),
        "function": shaped({"name": NAMES, "arguments": st.sampled_from(["", "{}", "[]", '{"a":1}', "{oops"])}),
    }
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(ROLES)},
    optional={
        "content": WORDS | st.none() | st.lists(PART, max_size=3),
        "tool_calls": st.lists(CALL, max_size=3) | anything(3),
        "tool_call_id": NAMES | anything(2),
        "thinking_blocks": st.lists(anything(3), max_size=2),
        "extra_content": anything(3),
        "name": NAMES,
        "refusal": WORDS | anything(2),
        "is_error": st.booleans(),
    },
)
SENSELESS = st.builds(
    lambda messages, fields: {"model": "m", "messages": messages} | fields,
    st.lists(MESSAGE, min_size=1, max_size=5),
    shaped(
        {
            "tools": st.lists(CALL, max_size=2),
            "tool_choice": st.sampled_from(["auto", "none", "required", "x"]),
            "response_format": shaped({"type": TELLING, "json_schema": shaped({"schema": anything(6)})}),
            "stop": WORDS | st.lists(WORDS, max_size=6),
            "temperature": NUMBERS,
            "max_tokens": st.integers(1, 1000),
            "reasoning_effort": st.sampled_from(["none", "low", "max", "x"]),
            "n": st.integers(0, 20),
            "thinking": anything(3),
            "service_tier": st.sampled_from(["auto", "default", "flex", "x"]),
            "user": WORDS,
            "top_logprobs": st.integers(0, 30),
            "logprobs": st.booleans(),
        }
    ),
)

SAID = st.text("abc ü🌍\n", min_size=1, max_size=10)
ARGUMENTS = st.dictionaries(NAMES, st.integers(0, 9) | SAID, max_size=2)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What OpenAI can express and every provider can say: text, calls, results, in a possible order."""
    messages: list[dict[str, Any]] = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(SAID)})
    for turn in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(SAID)})
        calls = [
            {"id": f"call_{turn}_{place}", "name": draw(NAMES), "arguments": draw(ARGUMENTS)}
            for place in range(draw(st.integers(0, 2)))
        ]
        messages.append(_assistant(draw(SAID), calls))
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": draw(SAID)} for call in calls]
    messages.append({"role": "user", "content": draw(SAID)})
    return messages


def _assistant(text: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": msgspec.json.encode(call["arguments"]).decode()},
            }
            for call in calls
        ]
    return message
