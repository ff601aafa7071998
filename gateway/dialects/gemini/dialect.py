"""Speak Google's Gemini API."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import msgspec

from gateway.dialects import expressible as can
from gateway.dialects.base import NO_PROOF, Dialect, Proof, Seal, Support
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.gemini.answer import read_answer
from gateway.dialects.gemini.embeddings import batch_body, read_embeddings
from gateway.dialects.gemini.errors import refusal
from gateway.dialects.gemini.expressible import EMBEDDING_FIELDS, unexpressed
from gateway.dialects.gemini.reader import Reader
from gateway.dialects.gemini.request import chat_body
from gateway.dialects.headers import headers_of
from gateway.domain.answer import Answer
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Headers, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure


class Gemini(Dialect):
    """`models/{id}:generateContent`, streamed too, and embeddings."""

    support: Mapping[str, Support] = MappingProxyType(
        {
            "chat": "translated",
            "streaming": "translated",
            "system_prompt": "translated",
            "tools": "translated",
            "tool_choice": "translated",
            "parallel_tool_calls": "translated",
            "tool_results": "translated",
            "image_url": "translated",
            "image_data": "translated",
            "audio_input": "translated",
            "audio_output": "refused",
            "json_object": "translated",
            "json_schema": "translated",
            "stop": "translated",
            "sampling": "translated",
            "max_tokens": "translated",
            "n": "translated",
            "seed": "yes",
            "penalties": "translated",
            "logit_bias": "refused",
            "logprobs": "translated",
            "reasoning_effort": "translated",
            "reasoning_content": "translated",
            "prompt_cache": "translated",  # Google caches by itself: a marker asks for what it does anyway
            "usage": "translated",
            "cached_tokens": "translated",
            "reasoning_tokens": "translated",
            "completions": "refused",
            "embeddings": "translated",
            "embedding_dimensions": "translated",
            "embedding_base64": "translated",
            "embedding_tokens": "refused",
            "model_listing": "translated",
        }
    )

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:  # noqa: ARG002
        if ask.endpoint == "embeddings":
            return tuple(can.unexpressed(ask.payload, EMBEDDING_FIELDS))
        return unexpressed(ask.payload)

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:
        return Call(
            url=self.address(ask, offer, provider),
            headers=headers_of(provider, self.credentials(provider, proof)),
            body=msgspec.json.encode(self.body(ask, offer)),
        )

    def address(self, ask: Ask, offer: Offer, provider: Provider) -> str:
        return f"{provider.base_url.rstrip('/')}/{resource(offer.id)}:{verb(ask)}"

    def body(self, ask: Ask, offer: Offer) -> dict[str, Any]:
        if ask.endpoint == "embeddings":
            return batch_body(can.expressed(ask.payload, EMBEDDING_FIELDS), resource(offer.id))
        return chat_body(ask.payload, offer.id)

    def credentials(self, provider: Provider, proof: Proof) -> Headers:  # noqa: ARG002
        """Never in the address, which ends up in logs."""
        return () if provider.api_key is None else (("x-goog-api-key", provider.api_key.reveal()),)

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        if ask.endpoint == "embeddings" and reply.status == 200:
            return read_embeddings(ask.payload, reply, seal)
        return read_answer(reply, seal)

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        return refusal(status, headers, body)

    def reader(self, ask: Ask, seal: Seal) -> Reader:
        return Reader(seal, ask.choices)

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:
        url = f"{provider.base_url.rstrip('/')}/models?pageSize=1000"
        return Call(method="GET", url=url, headers=headers_of(provider, self.credentials(provider, proof)))

    def listed(self, reply: Reply) -> tuple[str, ...] | Failure:
        if reply.status != 200:
            return refusal(reply.status, reply.headers, reply.body)
        fields = read_json(reply.body)
        rows = fields.get("models") if isinstance(fields, dict) else None
        if not isinstance(rows, list):
            return garbled("The provider's list of models has no `models`.")
        names = (row["name"] for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str))
        return tuple(name.removeprefix("models/") for name in names)


def resource(model: str) -> str:
    """A plain id is one of the public models; a tuned one says where it lives."""
    return quote(model if "/" in model else f"models/{model}")


def verb(ask: Ask) -> str:
    if ask.endpoint == "embeddings":
        return "batchEmbedContents"
    return "streamGenerateContent?alt=sse" if ask.stream else "generateContent"
