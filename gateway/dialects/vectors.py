"""Write OpenAI's answer to an embeddings request from vectors, converting between numbers and base64."""

import binascii
import math
import sys
from array import array
from collections.abc import Sequence
from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.failures import garbled
from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.trail import Failure


def embeddings_answer(
    ask: Ask, seal: Seal, model: str, vectors: Sequence[Any], usage: Usage | None
) -> Answer | Failure:
    """One vector an input, in order, all of one size; each is a list of numbers, or base64 of little-endian floats."""
    wanted = how_many(ask.payload.get("input"))
    if len(vectors) != wanted:
        return garbled(f"The provider sent {len(vectors)} embeddings for {wanted} inputs.")
    packed = [pack(vector) for vector in vectors]
    sizes = {None if floats is None else len(floats) for floats in packed}
    if len(sizes) != 1 or sizes & {None, 0}:
        return garbled("The provider sent embeddings that are broken or of different sizes.")
    as_text = ask.payload.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _told(vector, floats, as_text=as_text)}
        for index, (vector, floats) in enumerate(zip(vectors, packed, strict=True))
    ]
    fields: dict[str, Any] = {"object": "list", "data": data, "model": f"{seal.provider}/{model}"}
    if usage is not None:
        fields["usage"] = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
    return Answer(whole=fields, usage=usage, model=model)


def how_many(given: object) -> int:
    """How many inputs an embeddings request holds: a list of numbers is one input of tokens."""
    if not isinstance(given, list):
        return 1
    return 1 if given and isinstance(given[0], int) else len(given)


def pack(vector: object) -> "array[float] | None":
    """Single-precision floats; None where the vector is none, or holds something that is no finite number."""
    floats = array("f")
    try:
        if isinstance(vector, str):
            floats.frombytes(binascii.a2b_base64(vector, strict_mode=True))
            _little_endian(floats)
        elif isinstance(vector, list):
            floats.extend(vector)
        else:
            return None
    except (ValueError, TypeError, OverflowError):
        return None
    return floats if math.isfinite(math.fsum(floats)) else None


def _told(vector: object, floats: "array[float] | None", *, as_text: bool) -> object:
    if isinstance(vector, str) == as_text or floats is None:
        return vector
    if not as_text:
        return floats.tolist()
    _little_endian(floats)
    return binascii.b2a_base64(floats.tobytes(), newline=False).decode()


def _little_endian(floats: "array[float]") -> None:
    if sys.byteorder == "big":
        floats.byteswap()
