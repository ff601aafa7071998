"""Ask Cohere for embeddings, and read them."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.cohere.errors import refusal
from gateway.dialects.counts import tokens
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.vectors import embeddings_answer
from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure


def body(payload: Mapping[str, Any], offer: Offer, provider: Provider) -> dict[str, Any]:
    """Too long a text is an error, as at OpenAI, and not cut in silence."""
    given = payload.get("input")
    kind = provider.options["input_type"].reveal() if "input_type" in provider.options else "search_document"
    wire: dict[str, Any] = {
        "model": offer.id,
        "texts": [given] if isinstance(given, str) else given,
        "input_type": payload.get("input_type") or kind,
        "embedding_types": ["base64" if payload.get("encoding_format") == "base64" else "float"],
        "truncate": "NONE",
    }
    if payload.get("dimensions") is not None:
        wire["output_dimension"] = payload["dimensions"]
    return wire


def read(ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
    """A whole reply of any status."""
    if reply.status != 200:
        return refusal(reply.status, reply.headers, reply.body)
    fields = read_json(reply.body)
    vectors = fields.get("embeddings") if isinstance(fields, dict) else None
    if isinstance(vectors, dict):
        vectors = vectors.get("base64") or vectors.get("float")
    if not isinstance(vectors, list):
        return garbled("The provider's answer has no embeddings.")
    return embeddings_answer(ask, seal, seal.model, vectors, _usage(fields.get("meta")))


def _usage(meta: object) -> Usage | None:
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    count = tokens(billed.get("input_tokens")) if isinstance(billed, dict) else None
    return None if count is None else Usage(input_tokens=count)
