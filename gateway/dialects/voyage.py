"""Speak Voyage AI's embeddings, which are almost OpenAI's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects import expressible as can
from gateway.dialects.base import FEATURES, NO_PROOF, Dialect, Proof, Seal, StreamReader, Support
from gateway.dialects.chunks import model_name
from gateway.dialects.counts import tokens
from gateway.dialects.failures import Complaint, garbled, judge, read_json
from gateway.dialects.openai.route import bearer_of, own_headers
from gateway.dialects.translating import TranslatingReader
from gateway.dialects.vectors import embeddings_answer
from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Call, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure

MOST_TEXTS = 1000
SUPPORT: Mapping[str, Support] = MappingProxyType(
    {
        **dict.fromkeys(FEATURES, "refused"),
        **dict.fromkeys(("embeddings", "embedding_dimensions", "usage"), "translated"),
        "embedding_base64": "yes",
    }
)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MOST_TEXTS and all(isinstance(each, str) for each in value)


FIELDS: Mapping[str, can.Test] = MappingProxyType(
    {
        "model": can.anything,
        "input": lambda value: isinstance(value, str) or _are_texts(value),
        "dimensions": can.anything,
        "encoding_format": can.one_of("float", "base64"),
        "input_type": can.one_of("query", "document"),
        "user": can.falsy,
    }
)


class Voyage(Dialect):
    """`{base_url}/embeddings`."""

    support = SUPPORT

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:  # noqa: ARG002
        if ask.endpoint != "embeddings":
            return ("messages" if ask.endpoint == "chat" else "prompt",)
        return tuple(can.unexpressed(ask.payload, FIELDS))

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:  # noqa: ARG002
        body = msgspec.json.encode(_body(ask.payload, offer, provider))
        url = provider.base_url.rstrip("/") + "/embeddings"
        return Call(url=url, headers=own_headers(provider, bearer_of(provider)), body=body)

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        if reply.status != 200:
            return self.refusal(reply.status, reply.headers, reply.body)
        fields = read_json(reply.body)
        rows = fields.get("data") if isinstance(fields, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return garbled("The provider's answer has no embeddings.")
        if all(isinstance(row.get("index"), int) for row in rows):
            rows = sorted(rows, key=lambda row: int(row["index"]))
        said, model = fields.get("usage"), model_name(seal, fields.get("model"))
        count = tokens(said.get("total_tokens")) if isinstance(said, dict) else None
        usage = None if count is None else Usage(input_tokens=count)
        return embeddings_answer(ask, seal, model, [row.get("embedding") for row in rows], usage)

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        said = read_json(body)
        message = said.get("detail") if isinstance(said, dict) else None
        return judge(status, headers, Complaint(message=message if isinstance(message, str) else ""))

    def reader(self, ask: Ask, seal: Seal) -> StreamReader:  # noqa: ARG002
        return _NoStream(seal)


def _body(payload: Mapping[str, Any], offer: Offer, provider: Provider) -> dict[str, Any]:
    """Too long a text is an error, as at OpenAI, and not cut in silence."""
    wire = {"model": offer.id, "input": payload.get("input"), "truncation": False}
    kind = payload.get("input_type")
    if kind is None and "input_type" in provider.options:
        kind = provider.options["input_type"].reveal()
    wire |= {"input_type": kind} if kind else {}
    if payload.get("dimensions") is not None:
        wire["output_dimension"] = payload["dimensions"]
    if payload.get("encoding_format") == "base64":
        wire["encoding_format"] = "base64"
    return wire


class _NoStream(TranslatingReader):
    """Embeddings do not stream: whatever comes is not what was asked for."""

    def on_event(self, event: dict[str, Any], out: list[Any]) -> None:  # noqa: ARG002
        self._break(garbled("The provider streams where it should not."), out)
