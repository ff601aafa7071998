"""Ask Bedrock's embedding models, each in its own words: Titan and Cohere, through InvokeModel."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.bedrock.errors import refusal
from gateway.dialects.counts import tokens
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.vectors import embeddings_answer
from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure

COUNTED = "x-amzn-bedrock-input-token-count"


def body(payload: Mapping[str, Any], offer: Offer, provider: Provider) -> dict[str, Any]:
    """Cohere takes many texts; Titan takes one, and says so itself when it is given more."""
    given, size = payload.get("input"), payload.get("dimensions")
    if "cohere" not in offer.id:
        text = given[0] if isinstance(given, list) and len(given) == 1 else given
        return {"inputText": text} | ({"dimensions": size} if size is not None else {})
    kind = provider.options["input_type"].reveal() if "input_type" in provider.options else "search_document"
    wire = {"texts": [given] if isinstance(given, str) else given, "embedding_types": ["float"]}
    wire["input_type"] = payload.get("input_type") or kind
    return wire | ({"output_dimension": size} if size is not None else {})


def read(ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
    """A whole reply of any status; which model wrote it is told by its shape."""
    if reply.status != 200:
        return refusal(reply.status, reply.headers, reply.body)
    fields = read_json(reply.body)
    vectors = _vectors(fields) if isinstance(fields, dict) else None
    if not isinstance(vectors, list):
        return garbled("The provider's answer has no embeddings.")
    return embeddings_answer(ask, seal, seal.model, vectors, _usage(fields, reply.headers))


def _vectors(fields: Mapping[str, Any]) -> Any:
    if "embedding" in fields:
        return [fields["embedding"]]
    vectors = fields.get("embeddings")
    return vectors.get("float") if isinstance(vectors, dict) else vectors


def _usage(fields: Mapping[str, Any], headers: HeardHeaders) -> Usage | None:
    told: object = fields.get("inputTextTokenCount")
    if told is None:
        counted = next((value for name, value in headers if name == COUNTED), "")
        told = int(counted) if counted.isascii() and counted.isdigit() and len(counted) < 12 else None
    count = tokens(told)
    return None if count is None else Usage(input_tokens=count)
