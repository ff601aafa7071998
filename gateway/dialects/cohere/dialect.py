"""Speak Cohere's API, version 2."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from gateway.dialects import expressible as can
from gateway.dialects.base import NO_PROOF, Dialect, Proof, Seal, StreamReader, Support
from gateway.dialects.cohere import embed
from gateway.dialects.cohere.answer import read_answer
from gateway.dialects.cohere.errors import refusal
from gateway.dialects.cohere.expressible import EMBEDDING_FIELDS, unexpressed
from gateway.dialects.cohere.reader import Reader
from gateway.dialects.cohere.request import body
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.openai.route import bearer_of, own_headers
from gateway.domain.answer import Answer
from gateway.domain.ask import Ask
from gateway.domain.call import Call, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure

SUPPORT: Mapping[str, Support] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *(
                    "chat",
                    "streaming",
                    "system_prompt",
                    "tools",
                    "tool_choice",
                    "tool_results",
                    "image_url",
                    "image_data",
                ),
                *(
                    "json_object",
                    "json_schema",
                    "stop",
                    "sampling",
                    "max_tokens",
                    "reasoning_effort",
                    "reasoning_content",
                ),
                *("usage", "cached_tokens", "prompt_cache", "embeddings", "embedding_dimensions", "model_listing"),
            ),
            "translated",
        ),
        **dict.fromkeys(("seed", "penalties", "embedding_base64"), "yes"),
        **dict.fromkeys(
            (
                *("parallel_tool_calls", "audio_input", "audio_output", "n", "logit_bias", "logprobs"),
                *("reasoning_tokens", "completions", "embedding_tokens"),
            ),
            "refused",
        ),
    }
)


class Cohere(Dialect):
    """`{base_url}/v2/chat` and `/v2/embed`."""

    support = SUPPORT

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:  # noqa: ARG002
        if ask.endpoint == "embeddings":
            return tuple(can.unexpressed(ask.payload, EMBEDDING_FIELDS))
        return unexpressed(ask.payload)

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:  # noqa: ARG002
        if ask.endpoint == "embeddings":
            path, wire = "/v2/embed", embed.body(ask.payload, offer, provider)
        else:
            path, wire = "/v2/chat", body(ask.payload, offer, stream=ask.stream)
        headers = own_headers(provider, bearer_of(provider))
        return Call(url=provider.base_url.rstrip("/") + path, headers=headers, body=msgspec.json.encode(wire))

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        return embed.read(ask, reply, seal) if ask.endpoint == "embeddings" else read_answer(reply, seal)

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        return refusal(status, headers, body)

    def reader(self, ask: Ask, seal: Seal) -> StreamReader:  # noqa: ARG002
        return Reader(seal)

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:  # noqa: ARG002
        url = provider.base_url.rstrip("/") + "/v1/models?page_size=1000"
        return Call(method="GET", url=url, headers=own_headers(provider, bearer_of(provider)))

    def listed(self, reply: Reply) -> tuple[str, ...] | Failure:
        if reply.status != 200:
            return refusal(reply.status, reply.headers, reply.body)
        fields = read_json(reply.body)
        rows = fields.get("models") if isinstance(fields, dict) else None
        if not isinstance(rows, list):
            return garbled("The provider's list of models has no `models`.")
        return tuple(row["name"] for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str))
