"""Ask Google for embeddings and read them back as OpenAI's."""

import binascii
import math
import sys
from array import array
from collections.abc import Mapping
from typing import Any, TypeGuard

from gateway.dialects.base import Seal
from gateway.dialects.chunks import model_name
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.gemini.expressible import texts
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure

MOST = 10**12


def batch_body(payload: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """The body of `batchEmbedContents`."""
    size = _size(payload)
    requests = [
        {"model": resource, "content": {"parts": [{"text": text}]}} | size for text in texts(payload.get("input"))
    ]
    return {"requests": requests}


def predict_body(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The body of Vertex AI's `predict`."""
    wire: dict[str, Any] = {"instances": [{"content": text} for text in texts(payload.get("input"))]}
    if size := _size(payload):
        wire["parameters"] = size
    return wire


def _size(payload: Mapping[str, Any]) -> dict[str, Any]:
    size = payload.get("dimensions")
    return {"outputDimensionality": size} if isinstance(size, int) else {}


def read_embeddings(payload: Mapping[str, Any], reply: Reply, seal: Seal) -> Answer | Failure:
    """As many vectors as there were inputs, in their order, all finite and of one length."""
    fields = read_json(reply.body)
    rows = _rows(fields)
    vectors = [vector for row in rows if (vector := _vector(row)) is not None]
    if len(vectors) != len(texts(payload.get("input"))) or len({len(vector) for vector in vectors}) != 1:
        return garbled("The provider sent other embeddings than were asked for.")
    packed = payload.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
        for index, vector in enumerate(vectors)
    ]
    model = model_name(seal, None)
    answer: dict[str, Any] = {"object": "list", "data": data, "model": f"{seal.provider}/{model}"}
    usage = _usage(fields, rows)
    if usage is not None:
        answer["usage"] = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
    return Answer(whole=answer, usage=usage, model=model)


def _rows(fields: Any) -> list[Any]:
    """Both APIs' lists: `embeddings` of the Gemini API, `predictions` of Vertex AI."""
    if not isinstance(fields, dict):
        return []
    if isinstance(rows := fields.get("predictions"), list):
        return [row.get("embeddings") if isinstance(row, dict) else None for row in rows]
    rows = fields.get("embeddings")
    return rows if isinstance(rows, list) else []


def _vector(row: Any) -> list[float] | None:
    values = row.get("values") if isinstance(row, dict) else None
    if not isinstance(values, list) or not values:
        return None
    sound = all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    return values if sound else None


def _packed(vector: list[float]) -> str:
    """Little-endian 32-bit floats, as OpenAI packs them."""
    packed = array("f", [min(max(value, -3.4e38), 3.4e38) for value in vector])
    if sys.byteorder == "big":
        packed.byteswap()
    return binascii.b2a_base64(packed.tobytes(), newline=False).decode()


def _usage(fields: Any, rows: list[Any]) -> Usage | None:
    metadata = fields.get("usageMetadata")
    told = metadata.get("promptTokenCount") if isinstance(metadata, dict) else None
    if _is_count(told):
        return Usage(input_tokens=int(told))
    counts = [row["statistics"].get("token_count") for row in rows if isinstance(row.get("statistics"), dict)]
    if counts and len(counts) == len(rows) and all(_is_count(count) for count in counts):
        return Usage(input_tokens=int(sum(counts)))
    return None


def _is_count(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST
