"""Speak Anthropic's Messages API."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects.anthropic.answer import read_answer
from gateway.dialects.anthropic.errors import refusal
from gateway.dialects.anthropic.expressible import unexpressed
from gateway.dialects.anthropic.models import SAMPLING, refused_sampling
from gateway.dialects.anthropic.reader import Reader
from gateway.dialects.anthropic.request import body
from gateway.dialects.base import NO_PROOF, Dialect, Proof, Seal, Support
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.headers import headers_of
from gateway.domain.answer import Answer
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Headers, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure

VERSION = "2023-06-01"


class Anthropic(Dialect):
    """`POST /v1/messages`, whole and streamed."""

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
            "audio_input": "refused",
            "audio_output": "refused",
            "json_object": "translated",
            "json_schema": "translated",
            "stop": "translated",
            "sampling": "translated",
            "max_tokens": "translated",
            "n": "refused",
            "seed": "refused",
            "penalties": "refused",
            "logit_bias": "refused",
            "logprobs": "refused",
            "reasoning_effort": "translated",
            "reasoning_content": "translated",
            "prompt_cache": "yes",
            "usage": "translated",
            "cached_tokens": "translated",
            "reasoning_tokens": "translated",
            "completions": "refused",
            "embeddings": "refused",
            "model_listing": "yes",
        }
    )

    model_fields = frozenset(SAMPLING)

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:  # noqa: ARG002
        return unexpressed(ask.payload)

    def refused_by_model(self, ask: Ask, provider: Provider, offer: Offer) -> tuple[str, ...]:  # noqa: ARG002
        return refused_sampling(ask.payload, offer.id)

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:  # noqa: ARG002
        return Call(
            url=f"{provider.base_url.rstrip('/')}/v1/messages",
            headers=headers_of(provider, _own(provider)),
            body=msgspec.json.encode(body(ask.payload, offer, stream=ask.stream, thinking=_own_thinking(ask))),
        )

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:  # noqa: ARG002
        return read_answer(reply, seal)

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        return refusal(status, headers, body)

    def reader(self, ask: Ask, seal: Seal) -> Reader:  # noqa: ARG002
        return Reader(seal)

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:  # noqa: ARG002
        url = f"{provider.base_url.rstrip('/')}/v1/models?limit=1000"
        return Call(method="GET", url=url, headers=headers_of(provider, _own(provider)))

    def listed(self, reply: Reply) -> tuple[str, ...] | Failure:
        if reply.status != 200:
            return refusal(reply.status, reply.headers, reply.body)
        fields = read_json(reply.body)
        rows = fields.get("data") if isinstance(fields, dict) else None
        if not isinstance(rows, list):
            return garbled("The provider's list of models has no `data`.")
        return tuple(row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str))


def _own_thinking(ask: Ask) -> Mapping[str, Any] | None:
    thinking = ask.said.get("thinking") if ask.surface == "messages" else None
    return thinking if isinstance(thinking, dict) else None


def _own(provider: Provider) -> Headers:
    options = provider.options
    headers = [("anthropic-version", options["version"].reveal() if "version" in options else VERSION)]
    if provider.api_key is not None:
        headers.append(("x-api-key", provider.api_key.reveal()))
    if "beta" in options:
        headers.append(("anthropic-beta", options["beta"].reveal()))
    return tuple(headers)
