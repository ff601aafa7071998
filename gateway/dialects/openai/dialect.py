"""OpenAI's own words, and those of the many hosts that speak like it."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.base import NO_PROOF, Dialect, Proof, Seal, StreamReader, Support
from gateway.dialects.failures import garbled
from gateway.dialects.openai.answer import model_ids, read_answer
from gateway.dialects.openai.embeddings import read_embeddings
from gateway.dialects.openai.errors import refusal
from gateway.dialects.openai.hosts import HOSTS
from gateway.dialects.openai.models import MODEL_FIELDS, refused_by
from gateway.dialects.openai.quirks import AS_WRITTEN
from gateway.dialects.openai.reader import OpenAIReader
from gateway.dialects.openai.request import body_of, refused, unheard
from gateway.dialects.openai.route import Routes, openai_route
from gateway.dialects.openai.support import ALL, support_by_quirks
from gateway.domain.answer import Answer
from gateway.domain.ask import Ask
from gateway.domain.call import Call, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure


class OpenAI(Dialect):
    """Chat, completions and embeddings, passed on with as little touching as possible."""

    support = ALL
    model_fields = MODEL_FIELDS

    def __init__(self) -> None:
        self._routes = Routes(openai_route)

    def support_of(self, dialect: str) -> Mapping[str, Support]:
        return support_by_quirks(HOSTS.get(dialect, AS_WRITTEN))

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:
        quirks = self._routes.of(provider).quirks
        if quirks is AS_WRITTEN:
            return ()
        named = tuple(refused(ask.payload, quirks))
        if (quirks.unheard and ask.features) or "tool_results" in quirks.lacks:
            return (*named, *unheard(ask.payload.get("messages"), quirks))
        return named

    def refused_by_model(self, ask: Ask, provider: Provider, offer: Offer) -> tuple[str, ...]:
        return refused_by(ask.payload, offer.id) if self._routes.of(provider).quirks.own_models else ()

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:  # noqa: ARG002
        route = self._routes.of(provider)
        return Call(
            url=route.urls[ask.endpoint],
            headers=route.stream if ask.stream else route.whole,
            body=body_of(ask, offer.id, route.quirks),
            request_id=ask.request_id,
        )

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        if reply.status != 200:
            return self.refusal(reply.status, reply.headers, reply.body)
        if ask.endpoint == "embeddings":
            return read_embeddings(ask, reply, seal)
        return read_answer(ask.endpoint, reply, seal)

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        if 200 <= status <= 299:
            return garbled("The provider sent no answer.", status)
        return refusal(status, headers, body)

    def reader(self, ask: Ask, seal: Seal) -> StreamReader:
        if ask.endpoint == "completions":
            return OpenAIReader(seal, choices=_texts(ask), kind="text_completion")
        return OpenAIReader(seal, choices=_number(ask.payload.get("n")))

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:  # noqa: ARG002
        route = self._routes.of(provider)
        return Call(method="GET", url=route.models_url, headers=route.whole)

    def listed(self, reply: Reply) -> tuple[str, ...] | Failure:
        if reply.status != 200:
            return self.refusal(reply.status, reply.headers, reply.body)
        return model_ids(reply.body)


def _texts(ask: Ask) -> int:
    """One text for each prompt and each of `n`."""
    prompt = ask.payload.get("prompt")
    prompts = len(prompt) if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else 1
    return prompts * _number(ask.payload.get("n"))


def _number(n: Any) -> int:
    return n if isinstance(n, int) and n > 0 else 1
