"""An embeddings body becomes an ask."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.routing.estimate import input_tokens
from gateway.web.fields import check_control_fields, check_count, check_side_fields, convert_checked, out_of_range
from gateway.web.understand_chat import NOTHING_SPECIAL
from gateway.web.wishes import wishes_of

MAX_INPUTS = 2048
MAX_DIMENSIONS = 65_536
DIMENSIONS = frozenset({"dimensions"})


class EmbeddingsBody(Struct):
    """The fields we read, with their JSON types."""

    input: str | list[str | int | list[int]]
    model: str | None = None
    encoding_format: str | None = None
    dimensions: int | None = None
    user: str | None = None
    stream: bool | None = None


def understand_embeddings(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:
    """The ask of `POST /v1/embeddings`."""
    check_control_fields(fields)
    if fields.get("input") is None:
        raise RequestError("bad_request", "missing_field", "`input` is required.", param="input")
    body = convert_checked(fields, EmbeddingsBody)
    if body.stream:
        raise RequestError("bad_request", "invalid_value", "Embeddings are not streamed.", param="stream")
    check_input(body.input)
    check_side_fields(fields)
    check_count("dimensions", body.dimensions, MAX_DIMENSIONS)
    if body.encoding_format not in (None, "float", "base64"):
        raise out_of_range("encoding_format", "must be float or base64")
    wishes = wishes_of(headers, visit.snapshot.defaults.max_fallbacks)
    return Ask(
        endpoint="embeddings",
        name=body.model,
        payload=fields,
        request_id=visit.ulid,
        key=visit.key,
        strategy=wishes.strategy,
        fallback=wishes.fallback,
        features=NOTHING_SPECIAL if body.dimensions is None else DIMENSIONS,
        input_tokens=input_tokens(fields),
        output_tokens=0,
    )


def check_input(given: str | list[str | int | list[int]]) -> None:
    """Not empty, not too many, all of one type."""
    if not given:
        raise RequestError("bad_request", "missing_field", "`input` must not be empty.", param="input")
    if isinstance(given, str):
        return
    kind = type(given[0])
    if kind is not int and len(given) > MAX_INPUTS:
        raise RequestError(
            "bad_request", "too_many", f"`input` may hold {MAX_INPUTS} items.", param=f"input[{MAX_INPUTS}]"
        )
    for index, item in enumerate(given):
        path = f"input[{index}]"
        if type(item) is not kind:
            raise RequestError("bad_request", "invalid_type", f"`{path}` is not of the first one's type.", param=path)
        if item in ("", []):
            raise RequestError("bad_request", "missing_field", f"`{path}` must not be empty.", param=path)
