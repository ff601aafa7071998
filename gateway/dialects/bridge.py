"""Serve `/v1/completions` through a chat endpoint: prompts become messages, messages become texts.

One call a prompt: `split_prompts` makes the asks, `via_chat` the dialect that speaks them, `join_answers` the answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import fields, replace

from gateway.dialects.base import NO_PROOF, Around, Dialect, Proof, Seal, StreamReader, Token
from gateway.dialects.chunks import usage_fields
from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Call, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure
from gateway.errors import RequestError

ENCODE = msgspec.json.Encoder().encode
DECODE = msgspec.json.Decoder().decode
DEFAULT_MAX_TOKENS = 16
HARMLESS: Mapping[str, tuple[Any, ...]] = {"logprobs": (), "best_of": (1,), "echo": (False,), "suffix": ("",)}
"""What chat has no words for, and the values that do not need any."""


def split_prompts(ask: Ask) -> tuple[Ask, ...]:
    """One completions ask for each prompt; ends the request where chat cannot express it."""
    for name, harmless in HARMLESS.items():
        value = ask.payload.get(name)
        if value is not None and value not in harmless:
            raise _inexpressible(name)
    prompt = ask.payload.get("prompt")
    prompts = prompt if isinstance(prompt, list) else [prompt]
    if not prompts or not all(isinstance(each, str) for each in prompts):
        raise _inexpressible("prompt")
    if not isinstance(prompt, list):
        return (ask,)
    return tuple(replace(ask, payload={**ask.payload, "prompt": each}) for each in prompts)


def _inexpressible(name: str) -> RequestError:
    what = "token arrays" if name == "prompt" else f"`{name}`"
    message = f"This model serves completions through its chat endpoint, which cannot express {what}."
    return RequestError("invalid_value", "invalid_value", message, param=name)


def via_chat(dialect: Dialect) -> Dialect:
    """A dialect for completions asks of one prompt, spoken by another's chat."""
    return ViaChat(dialect)


def is_bridged(ask: Ask, offer: Offer) -> bool:
    """Completions that this offer serves through its chat."""
    return offer.via_chat and ask.endpoint == "completions" and "completions" not in offer.capabilities


def speaker_for(dialect: Dialect, ask: Ask, offer: Offer) -> Dialect:
    """Who says this ask to this offer."""
    return via_chat(dialect) if is_bridged(ask, offer) else dialect


def join_answers(answers: Sequence[Answer]) -> Answer:
    """The texts of all prompts in order, numbered through, their usage summed."""
    if len(answers) == 1:
        return answers[0]
    choices = [choice for answer in answers for choice in _plain(answer.fields["choices"])]
    whole = {**answers[0].fields, "choices": [{**choice, "index": at} for at, choice in enumerate(choices)]}
    usage = _sum([answer.usage for answer in answers])
    whole.pop("usage", None)
    if usage is not None:
        whole["usage"] = usage_fields(usage)
    chars = sum(answer.output_chars for answer in answers)
    return Answer(whole=whole, usage=usage, model=answers[0].model, output_chars=chars)


def _plain(value: Any) -> Any:
    return DECODE(ENCODE(value))


def _sum(usages: Sequence[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    if len(known) < len(usages):
        return None
    counts = {
        field.name: sum(getattr(usage, field.name) for usage in known)
        for field in fields(Usage)
        if field.name != "estimated"
    }
    return Usage(**counts, estimated=any(usage.estimated for usage in known))


class ViaChat(Dialect):
    """Turns the ask on its way out, the answer on its way back."""

    def __init__(self, inner: Dialect) -> None:
        self._inner = inner
        self.support = inner.support
        self.model_fields = inner.model_fields
        self.offline = inner.offline

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:
        return self._inner.unsayable(_as_chat(ask), provider)

    def refused_by_model(self, ask: Ask, provider: Provider, offer: Offer) -> tuple[str, ...]:
        return self._inner.refused_by_model(ask, provider, offer)

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:
        return self._inner.request(_as_chat(ask), offer, provider, proof)

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        answer = self._inner.answer(_as_chat(ask), reply, seal)
        return answer if isinstance(answer, Failure) else _as_text(answer)

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        return self._inner.refusal(status, headers, body)

    def reader(self, ask: Ask, seal: Seal) -> StreamReader:
        return TextReader(self._inner.reader(_as_chat(ask), seal))

    def token_call(self, provider: Provider, around: Around) -> Call | Token | Failure | None:
        return self._inner.token_call(provider, around)

    def token_answer(self, reply: Reply, now_unix: float) -> Token | Failure:
        return self._inner.token_answer(reply, now_unix)

    def perform(self, call: Call) -> Reply:
        return self._inner.perform(call)

    def perform_stream(self, call: Call) -> Any:
        return self._inner.perform_stream(call)

    def pause_s(self, call: Call) -> float:
        return self._inner.pause_s(call)


def _as_chat(ask: Ask) -> Ask:
    payload = {name: value for name, value in ask.payload.items() if name != "prompt" and name not in HARMLESS}
    payload["messages"] = [{"role": "user", "content": ask.payload.get("prompt")}]
    if payload.get("max_tokens") is None:
        payload["max_tokens"] = DEFAULT_MAX_TOKENS
    return replace(ask, endpoint="chat", payload=payload)


def _as_text(answer: Answer) -> Answer:
    choices = [_text(choice, choice.get("message")) for choice in _plain(answer.fields["choices"])]
    whole = {**answer.fields, "object": "text_completion", "choices": choices}
    return Answer(whole=whole, usage=answer.usage, model=answer.model, output_chars=answer.output_chars)


def _text(choice: dict[str, Any], said: Any) -> dict[str, Any]:
    text = said.get("content") if isinstance(said, dict) else None
    return {
        "index": choice.get("index", 0),
        "text": text if isinstance(text, str) else "",
        "logprobs": None,
        "finish_reason": choice.get("finish_reason"),
    }


class TextReader:
    """A chat stream told as a stream of texts; what carries neither text nor an end is left out."""

    def __init__(self, inner: StreamReader) -> None:
        self._inner = inner

    @property
    def finished(self) -> bool:
        return self._inner.finished

    @property
    def usage(self) -> Usage | None:
        return self._inner.usage

    @property
    def model(self) -> str:
        return self._inner.model

    def feed(self, data: bytes) -> list[Chunk | Failure]:
        return _retold(self._inner.feed(data))

    def end(self) -> list[Chunk | Failure]:
        return _retold(self._inner.end())


def _retold(said: list[Chunk | Failure]) -> list[Chunk | Failure]:
    told = (each if isinstance(each, Failure) else _text_chunk(each) for each in said)
    return [each for each in told if each is not None]


def _text_chunk(chunk: Chunk) -> Chunk | None:
    whole: dict[str, Any] = DECODE(chunk.data)
    whole["object"] = "text_completion"
    whole["choices"] = [_text(choice, choice.get("delta")) for choice in whole["choices"]]
    length = sum(len(choice["text"]) for choice in whole["choices"])
    if not (length or chunk.finish or chunk.usage_only or chunk.usage):
        return None
    return Chunk(ENCODE(whole), length > 0, chunk.usage, chunk.usage_only, chunk.finish, length)
