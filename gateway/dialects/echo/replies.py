"""Dress what echo says as OpenAI's bodies and streams: choices, usage, vectors."""

import math
import re
from base64 import b64encode
from collections.abc import Iterator
from itertools import zip_longest
from struct import pack
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Struct

from gateway.dialects.echo.wish import Fault, Wish, text_of, wish_of

ENCODE = msgspec.json.Encoder().encode
PIECES = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")
DIMENSIONS = 256
MOST_DIMENSIONS = 8192
MOST_CHOICES = 128
CREATED = 1_700_000_000


class Said(Struct, frozen=True, kw_only=True):
    """One choice, cut to length."""

    wish: Wish
    pieces: tuple[str, ...]
    finish: str

    @property
    def tokens(self) -> int:
        return len(self.pieces) + sum(pieces_in(call.arguments) + 1 for call in self.wish.calls)

    @property
    def thought_tokens(self) -> int:
        return pieces_in(self.wish.thought)


def pieces_in(text: str) -> int:
    """A word is a token here."""
    return len(PIECES.findall(text))


def say(payload: dict[str, Any], wish: Wish) -> Said:
    """Bound by `stop` and `max_tokens`."""
    text, finish = wish.text, "tool_calls" if wish.calls else "stop"
    stops = payload.get("stop")
    for stop in [stops] if isinstance(stops, str) else stops if isinstance(stops, list) else []:
        if isinstance(stop, str) and stop and stop in text:
            text = text[: text.index(stop)]
    pieces = tuple(PIECES.findall(text))
    bound = payload.get("max_completion_tokens") or payload.get("max_tokens")
    if isinstance(bound, int) and 0 <= bound < len(pieces):
        pieces, finish = pieces[:bound], "length"
    return Said(wish=wish, pieces=pieces, finish=finish)


def prompts_of(payload: dict[str, Any]) -> list[str]:
    """Completions: one or several prompts, as text or as tokens."""
    prompt = payload.get("prompt", payload.get("input"))
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list):
        return [text_of(each) for each in prompt]
    return [text_of(prompt)]


def all_said(payload: dict[str, Any], endpoint: str) -> list[Said]:
    """One for each choice, in order."""
    n = payload.get("n")
    times = min(n, MOST_CHOICES) if isinstance(n, int) and n > 0 else 1
    if endpoint == "chat":
        return [say(payload, wish_of(payload))] * times
    before = payload.get("echo") is True
    wishes = [Wish(text=f"{prompt if before else ''}echo: {prompt}") for prompt in prompts_of(payload)]
    return [say(payload, wish) for wish in wishes for _ in range(times)]


def prompt_tokens(payload: dict[str, Any]) -> int:
    messages = payload.get("messages")
    if isinstance(messages, list):
        return sum(3 + pieces_in(text_of(each.get("content"))) for each in messages if isinstance(each, dict))
    return sum(pieces_in(prompt) for prompt in prompts_of(payload))


def usage_of(payload: dict[str, Any], said: list[Said]) -> dict[str, Any]:
    prompt = prompt_tokens(payload)
    thoughts = sum(each.thought_tokens for each in said)
    completion = sum(each.tokens for each in said) + thoughts
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": thoughts},
    }


def whole(payload: dict[str, Any], endpoint: str, fault: Fault) -> bytes:
    """The body of an answer."""
    said = all_said(payload, endpoint)
    shape = _message if endpoint == "chat" else _text
    body = _head(payload, endpoint, "") | {"choices": [shape(index, each) for index, each in enumerate(said)]}
    return ENCODE(body if fault.no_usage else body | {"usage": usage_of(payload, said)})


def _head(payload: dict[str, Any], endpoint: str, end: str) -> dict[str, Any]:
    kind, prefix = (f"chat.completion{end}", "chatcmpl") if endpoint == "chat" else ("text_completion", "cmpl")
    return {"id": f"{prefix}-echo", "object": kind, "created": CREATED, "model": payload.get("model", "echo")}


def _message(index: int, said: Said) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(said.pieces)}
    if said.wish.thought:
        message["reasoning_content"] = said.wish.thought
    if said.wish.calls:
        message["content"] = None
        message["tool_calls"] = [
            {
                "id": f"call_echo_{place}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for place, call in enumerate(said.wish.calls)
        ]
    return {"index": index, "message": message, "finish_reason": said.finish}


def _text(index: int, said: Said) -> dict[str, Any]:
    return {"index": index, "text": "".join(said.pieces), "logprobs": None, "finish_reason": said.finish}


def stream(payload: dict[str, Any], endpoint: str, fault: Fault) -> Iterator[bytes]:
    """The events of an answer, word by word, the choices interleaved."""
    said = all_said(payload, endpoint)
    head = _head(payload, endpoint, ".chunk")
    steps = _chat_steps if endpoint == "chat" else _text_steps
    rows = zip_longest(*(steps(index, each) for index, each in enumerate(said)))
    chunks = [head | {"choices": [choice]} for row in rows for choice in row if choice is not None]
    for place, chunk in enumerate(chunks):
        if fault.cut and place * 2 >= len(chunks):
            return
        yield _event(b'{"id":' if fault.garbled and place * 2 >= len(chunks) else ENCODE(chunk))
    options = payload.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage") and not fault.no_usage:
        yield _event(ENCODE(head | {"choices": [], "usage": usage_of(payload, said)}))
    yield _event(b"[DONE]")


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def _chat_steps(index: int, said: Said) -> Iterator[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in PIECES.findall(said.wish.thought)]
    deltas += [{"content": piece} for piece in said.pieces if not said.wish.calls]
    for place, call in enumerate(said.wish.calls):
        start = {"name": call.name, "arguments": ""}
        deltas.append(
            {"tool_calls": [{"index": place, "id": f"call_echo_{place}", "type": "function", "function": start}]}
        )
        deltas += [
            {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}
            for piece in PIECES.findall(call.arguments)
        ]
    for delta in deltas:
        yield {"index": index, "delta": delta, "finish_reason": None}
    yield {"index": index, "delta": {}, "finish_reason": said.finish}


def _text_steps(index: int, said: Said) -> Iterator[dict[str, Any]]:
    for piece in said.pieces:
        yield {"index": index, "text": piece, "logprobs": None, "finish_reason": None}
    yield {"index": index, "text": "", "logprobs": None, "finish_reason": said.finish}


def vectors(payload: dict[str, Any]) -> bytes:
    """Unit vectors of the inputs: equal texts are equal, texts that share words are near."""
    asked = payload.get("dimensions")
    dimensions = min(asked, MOST_DIMENSIONS) if isinstance(asked, int) and asked > 0 else DIMENSIONS
    inputs = prompts_of(payload)
    base64 = payload.get("encoding_format") == "base64"
    made = [_vector(text, dimensions) for text in inputs]
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": b64encode(pack(f"<{dimensions}f", *vector)).decode() if base64 else vector,
        }
        for index, vector in enumerate(made)
    ]
    tokens = sum(pieces_in(text) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return ENCODE({"object": "list", "data": data, "model": payload.get("model", "echo"), "usage": usage})


def _vector(text: str, dimensions: int) -> list[float]:
    vector = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        seed = crc32(word.encode())
        vector[seed % dimensions] += 1.0 if seed & 0x8000_0000 else -1.0
    length = math.sqrt(sum(each * each for each in vector))
    if length == 0.0:
        vector[0] = length = 1.0
    return [each / length for each in vector]
