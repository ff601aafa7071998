"""What is passed on after a glance is what would have been passed on after a reading, whatever a provider says."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Seal
from gateway.dialects.openai.reader import OpenAIReader
from gateway.dialects.openai.stencil import Stencil
from gateway.domain.answer import Chunk
from gateway.domain.trail import Failure

SEAL = Seal(id="chatcmpl-th-01j9", created=1_800_000_000, provider="openai", model="offer-id")
HEAD = {"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024"}
WORDS = st.one_of(
    st.sampled_from(
        ["", " there", "gpt-4o-2024", 'say "x"', "\\", "a\nb", "é", "日本", "\u2028", "\u200d", "😀", "\x7f", "}],"]
    ),
    st.text(max_size=8),
)


def event(value: Any, compact: bool = True) -> bytes:
    return b"data: " + (msgspec.json.encode(value) if compact else json.dumps(value).encode()) + b"\n\n"


def chunk(delta: dict[str, Any], *, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return HEAD | {"choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]} | more


SHAPES: dict[str, Callable[[str], dict[str, Any]]] = {
    "content": lambda text: chunk({"content": text}),
    "with usage and padding": lambda text: chunk({"content": text}, usage=None, obfuscation="aB" * (len(text) or 2)),
    "padding first": lambda text: HEAD | {"obfuscation": "x" * len(text)} | chunk({"content": text}),
    "thought": lambda text: chunk({"content": None, "reasoning_content": text}),
    "other thought": lambda text: chunk({"reasoning": text}),
    "both": lambda text: chunk({"content": text, "reasoning_content": "so"}),
    "refusal": lambda text: chunk({"refusal": text}),
    "tool": lambda text: chunk({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}),
    "parts": lambda text: chunk({"content": [{"type": "text", "text": text}]}),
    "second choice": lambda text: chunk({"content": text}, index=1),
    "no index": lambda text: HEAD | {"choices": [{"delta": {"content": text}}]},
    "legacy": lambda text: HEAD | {"choices": [{"index": 0, "text": text, "finish_reason": None}]},
    "end": lambda text: chunk({"content": text}, finish="stop"),
    "usage": lambda text: chunk({"content": text}, usage={"prompt_tokens": len(text), "completion_tokens": 2}),
    "error": lambda text: chunk({"content": text}, error={"message": text} if len(text) > 7 else None),
    "twice": lambda text: HEAD | {"content": text} | chunk({"content": text}),
    "time moves": lambda text: chunk({"content": text}) | {"created": len(text)},
    "probabilities": lambda text: (
        HEAD
        | {
            "choices": [
                {"index": 0, "delta": {"content": text}, "logprobs": {"content": [{"token": text, "logprob": -1}]}}
            ]
        }
    ),
}


def meaning(said: Chunk | Failure) -> Any:
    """Blanks between tokens mean nothing."""
    if isinstance(said, Failure):
        return said
    assert b"\n" not in said.data
    return msgspec.json.decode(said.data), said.content, said.usage, said.usage_only, said.finish, said.chars


def by_glance(said: bytes) -> list[Any]:
    """Fed in whole events, as most come."""
    reader = OpenAIReader(SEAL, choices=2)
    out: list[Chunk | Failure] = []
    for piece in said.split(b"\n\n"):
        out += reader.feed(piece + b"\n\n")
    return [*map(meaning, [*out, *reader.end()]), reader.usage, reader.finished, reader.model]


def by_reading(said: bytes) -> list[Any]:
    """Fed in pieces that end nowhere."""
    reader = OpenAIReader(SEAL, choices=2)
    out: list[Chunk | Failure] = []
    for start in range(0, len(said), 11):
        for half in (said[start : start + 11][:-1], said[start : start + 11][-1:]):
            out += reader.feed(half) if not half.endswith(b"\n\n") else reader.feed(half[:-1]) + reader.feed(half[-1:])
    return [*map(meaning, [*out, *reader.end()]), reader.usage, reader.finished, reader.model]


@given(st.lists(st.tuples(st.sampled_from(sorted(SHAPES)), WORDS, st.booleans()), max_size=12))
@settings(max_examples=100, deadline=None)
def test_a_glance_and_a_reading_come_to_the_same(said: list[tuple[str, str, bool]]) -> None:
    data = b"".join(event(SHAPES[shape](text), compact) for shape, text, compact in said)
    assert by_glance(data) == by_reading(data)


@given(st.sampled_from(sorted(SHAPES)), st.lists(WORDS, min_size=2, max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_stream_of_one_shape_comes_to_the_same(shape: str, words: list[str]) -> None:
    data = b"".join(event(SHAPES[shape](text)) for text in words)
    assert by_glance(data) == by_reading(data)
    together = OpenAIReader(SEAL, choices=2).feed(data)
    assert [meaning(said) for said in together] == by_reading(data)[: len(together)]


@given(st.binary(max_size=12), st.sampled_from(["content", "thought", "legacy", "with usage and padding"]))
@settings(max_examples=100, deadline=None)
def test_bytes_that_are_no_text_are_never_passed_on(junk: bytes, shape: str) -> None:
    start = b"".join(event(SHAPES[shape](text)) for text in (" one", " two"))
    odd = event(SHAPES[shape]("MARK")).replace(b"MARK", junk)
    if b"\n" not in junk and b"\r" not in junk:
        assert by_glance(start + odd) == by_reading(start + odd)


@pytest.mark.parametrize("shape", ["content", "with usage and padding", "thought", "legacy", "second choice", "both"])
def test_a_glance_is_enough_for_the_streams_we_know(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[bool] = []
    look = Stencil.cut

    def watched(stencil: Stencil, block: bytes) -> Chunk | None:
        found = look(stencil, block)
        cut.append(found is not None)
        return found

    monkeypatch.setattr(Stencil, "cut", watched)
    by_glance(b"".join(event(SHAPES[shape](text)) for text in [" a", " bc", " def"] * 4))
    assert cut.count(True) >= 9


def test_a_provider_that_never_repeats_itself_is_not_studied_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    studied: list[bytes] = []
    monkeypatch.setattr("gateway.dialects.openai.reader.stencil_of", lambda data, *_: studied.append(data))
    by_glance(b"".join(event(chunk({"content": "hello"}, id=str(number))) for number in range(50)))
    assert len(studied) < 10
