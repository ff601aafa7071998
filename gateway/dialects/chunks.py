"""Write OpenAI's words: the chunks of a stream and the fields of a whole answer, for dialects that must translate."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from gateway.dialects.base import Seal
from gateway.domain.answer import Answer, Chunk, Usage

MODEL_CHARS = 200
ENCODE = msgspec.json.Encoder().encode
ROLE_DELTA = b'{"role":"assistant","content":""}'
VISIBLE = ("content", "tool_calls", "refusal", "reasoning_content", "reasoning", "function_call", "audio")


def model_name(seal: Seal, model: object) -> str:
    """The provider's name for the model, fit for a header and a log; the offer's id where it named none."""
    if not isinstance(model, str) or not model:
        return seal.model
    if len(model) <= MODEL_CHARS and model.isascii() and model.isprintable():
        return model
    return model[:MODEL_CHARS].encode("ascii", "backslashreplace").decode().translate(CONTROLS)[:MODEL_CHARS]


CONTROLS = dict.fromkeys((*range(32), 127), "?")


def chunk_head(seal: Seal, model: str, kind: str = "chat.completion.chunk") -> bytes:
    """The beginning of an answer, and of every chunk of a stream, up to `choices`."""
    name = _in_json(seal.provider, model)
    return f'{{"id":"{seal.id}","object":"{kind}","created":{seal.created},"model":{name},'.encode()


@lru_cache(maxsize=1024)
def _in_json(provider: str, model: str) -> str:
    return ENCODE(f"{provider}/{model}").decode()


def role_chunk(head: bytes, index: int = 0) -> Chunk:
    """The first chunk of a choice: who speaks, nothing yet."""
    return Chunk(b'%s"choices":[{"index":%d,"delta":%s,"finish_reason":null}]}' % (head, index, ROLE_DELTA))


def delta_chunk(
    head: bytes, delta: Mapping[str, Any], *, index: int = 0, finish: str | None = None, more: bytes = b""
) -> Chunk:
    """One step of a choice; `more` are further raw members of the choice, each with its leading comma."""
    data = b'%s"choices":[{"index":%d,"delta":%s,"finish_reason":%s%s}]}' % (
        head,
        index,
        ENCODE(delta),
        ENCODE(finish),
        more,
    )
    return Chunk(data, content=is_visible(delta), finish=finish is not None, chars=text_length(delta))


def cut_chunk(seal: Seal, model: str, endpoint: str, index: int) -> Chunk:
    """The last chunk of a choice that goes on for longer than it was allowed to."""
    if endpoint == "completions":
        head = chunk_head(seal, model or seal.model, "text_completion")
        return Chunk(
            b'%s"choices":[{"index":%d,"text":"","logprobs":null,"finish_reason":"length"}]}' % (head, index),
            finish=True,
        )
    return delta_chunk(chunk_head(seal, model or seal.model), {}, index=index, finish="length")


def is_visible(delta: Mapping[str, Any]) -> bool:
    return any(delta.get(name) for name in VISIBLE)


def text_length(delta: Mapping[str, Any]) -> int:
    """Characters of text, reasoning and tool arguments."""
    length = sum(len(value) for name in VISIBLE if isinstance(value := delta.get(name), str))
    calls = delta.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        length += len(arguments) if isinstance(arguments, str) else 0
    return length


def usage_chunk(head: bytes, usage: Usage) -> Chunk:
    """The extra chunk with empty choices."""
    data = b'%s"choices":[],"usage":%s}' % (head, ENCODE(usage_fields(usage)))
    return Chunk(data, usage=usage, usage_only=True)


def usage_fields(usage: Usage) -> dict[str, Any]:
    """OpenAI's nested counts from our disjoint buckets."""
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    details: dict[str, int] = {"cached_tokens": usage.cache_read_tokens, "audio_tokens": usage.audio_input_tokens}
    if usage.cache_write_tokens:
        details["cache_write_tokens"] = usage.cache_write_tokens
    if usage.image_tokens:
        details["image_tokens"] = usage.image_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
    }


def chat_answer(
    seal: Seal,
    model: str,
    choices: Sequence[Mapping[str, Any]],
    usage: Usage | None,
    more: Mapping[str, Any] | None = None,
) -> Answer:
    """A whole chat answer from choices already in OpenAI's words (`index`, `message`, `finish_reason`)."""
    fields: dict[str, Any] = {
        "id": seal.id,
        "object": "chat.completion",
        "created": seal.created,
        "model": f"{seal.provider}/{model}",
        "choices": list(choices),
    }
    if usage is not None:
        fields["usage"] = usage_fields(usage)
    chars = sum(text_length(choice["message"]) for choice in choices)
    return Answer(whole=fields | dict(more or {}), usage=usage, model=model, output_chars=chars)


def chunks_of(answer: Answer, seal: Seal) -> list[Chunk]:
    """The stream that a whole answer would have been: for providers that answer a stream request with one."""
    if answer.fields.get("object") == "text_completion":
        head = chunk_head(seal, answer.model, "text_completion")
        chunks = [_text_chunk(head, choice) for choice in _plain(answer)]
    else:
        head = chunk_head(seal, answer.model)
        chunks = [chunk for choice in _plain(answer) for chunk in _choice_chunks(head, choice)]
    if answer.usage is not None:
        chunks.append(usage_chunk(head, answer.usage))
    return chunks


def _plain(answer: Answer) -> Iterable[dict[str, Any]]:
    choices: list[dict[str, Any]] = msgspec.json.decode(ENCODE(answer.fields["choices"]))
    return choices


def _choice_chunks(head: bytes, choice: dict[str, Any]) -> Iterable[Chunk]:
    index = choice.get("index", 0)
    message = {name: value for name, value in choice.get("message", {}).items() if value is not None}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [{"index": place, **call} for place, call in enumerate(calls)]
    logprobs = choice.get("logprobs")
    more = b"" if logprobs is None else b',"logprobs":' + ENCODE(logprobs)
    yield delta_chunk(head, message, index=index, more=more)
    yield delta_chunk(head, {}, index=index, finish=choice.get("finish_reason") or "stop")


def _text_chunk(head: bytes, choice: dict[str, Any]) -> Chunk:
    text = choice.get("text") or ""
    data = head + b'"choices":[' + ENCODE(choice) + b"]}"
    return Chunk(data, content=bool(text), finish=True, chars=len(text))
