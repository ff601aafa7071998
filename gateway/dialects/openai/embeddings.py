"""A whole embeddings reply: counted, measured, and in the format that was asked for; what already fits stays bytes."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.dialects.base import Seal
from gateway.dialects.failures import garbled
from gateway.dialects.openai.answer import ANYTHING, is_error, read_fields, sealed
from gateway.dialects.openai.errors import hidden_error
from gateway.dialects.openai.usage import usage_of
from gateway.dialects.vectors import embeddings_answer, how_many, pack
from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Reply
from gateway.domain.trail import Failure


class VectorLook(Struct, gc=False):
    embedding: str | list[float]
    index: int | None = None
    object: str = ""


DATA = msgspec.json.Decoder(list[VectorLook])


def read_embeddings(ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
    """A 200 of `/embeddings`."""
    fields = read_fields(reply.body)
    if fields is None:
        return garbled("The provider's answer is not a JSON object.")
    try:
        if is_error(fields):
            return hidden_error(ANYTHING.decode(reply.body))
        data = DATA.decode(fields.get("data", b"null"))
        return _read(ask, fields, data, seal)
    except (ValueError, RecursionError):
        return garbled("The provider's embeddings have a shape that cannot be read.")


def _read(ask: Ask, fields: dict[str, Raw], data: Sequence[VectorLook], seal: Seal) -> Answer | Failure:
    if any(row.index not in {None, place} for place, row in enumerate(data)):
        return garbled("The provider's embeddings are out of order.")
    usage = _usage(fields)
    whole, model = sealed(fields, "list", seal)
    del whole["id"], whole["created"]
    if usage is None:
        whole.pop("usage", None)
    if not _fits(ask, data):
        return _converted(ask, data, whole, seal, usage)
    size = ask.payload.get("dimensions")
    if isinstance(size, int) and not isinstance(data[0].embedding, str) and len(data[0].embedding) != size:
        return garbled("The provider's embeddings do not have the dimensions asked for.")
    return Answer(whole=whole, usage=usage, model=model)


def _usage(fields: dict[str, Raw]) -> Usage | None:
    """Some hosts send `total_tokens` alone."""
    said = ANYTHING.decode(fields["usage"]) if "usage" in fields else None
    if isinstance(said, dict) and said.get("prompt_tokens") is None and "total_tokens" in said:
        said = {"prompt_tokens": said["total_tokens"]}
    return usage_of(said)


def _fits(ask: Ask, data: Sequence[VectorLook]) -> bool:
    """Already what was asked for: kind, count, order, and one size."""
    wanted = str if ask.payload.get("encoding_format") == "base64" else list
    return (
        len(data) == how_many(ask.payload.get("input"))
        and all(type(row.embedding) is wanted and row.index is not None and row.object for row in data)
        and len({len(row.embedding) for row in data}) == 1
        and (wanted is list or all(pack(row.embedding) is not None for row in data))
        and len(data[0].embedding) > 0
    )


def _converted(
    ask: Ask, data: Sequence[VectorLook], whole: dict[str, Any], seal: Seal, usage: Usage | None
) -> Answer | Failure:
    model = whole["model"].removeprefix(f"{seal.provider}/")
    answer = embeddings_answer(ask, seal, model, [row.embedding for row in data], usage)
    if isinstance(answer, Failure):
        return answer
    return Answer(whole={**whole, **answer.fields}, usage=usage, model=model)
