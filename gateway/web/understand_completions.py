"""A legacy completions body becomes an ask, with the defaults this old interface promises."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.routing.estimate import input_tokens
from gateway.web.fields import (
    check_control_fields,
    check_count,
    check_ranges,
    check_side_fields,
    check_stop,
    convert_checked,
    out_of_range,
)
from gateway.web.understand_chat import NOTHING_SPECIAL, StreamOptions
from gateway.web.wishes import wishes_of

MAX_PROMPTS = 2048
DEFAULTS: Mapping[str, Any] = {"max_tokens": 16, "temperature": 1}


class CompletionsBody(Struct):
    """The fields we read, with their JSON types."""

    prompt: str | list[str | int | list[int]]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    n: int | None = None
    best_of: int | None = None
    logprobs: int | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    user: str | None = None


def understand_completions(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:
    """The ask of `POST /v1/completions`."""
    check_control_fields(fields)
    if fields.get("prompt") is None:
        raise RequestError("bad_request", "missing_field", "`prompt` is required.", param="prompt")
    body = convert_checked(fields, CompletionsBody)
    defaults = visit.snapshot.defaults
    check_prompt(body.prompt)
    check_completions(body, fields, defaults.max_choices)
    wishes = wishes_of(headers, defaults.max_fallbacks)
    payload = {**DEFAULTS, **{name: value for name, value in fields.items() if value is not None}}
    prompts = len(body.prompt) if isinstance(body.prompt, list) and not _is_tokens(body.prompt) else 1
    options = body.stream_options
    return Ask(
        endpoint="completions",
        name=body.model,
        payload=payload,
        request_id=visit.ulid,
        key=visit.key,
        strategy=wishes.strategy,
        fallback=wishes.fallback,
        features=NOTHING_SPECIAL,
        input_tokens=input_tokens(payload),
        output_tokens=body.max_tokens or 16,
        choices=max(body.n or 1, body.best_of or 1) * prompts,
        stream=body.stream is True,
        include_usage=options is not None and options.include_usage is True,
    )


def check_prompt(prompt: str | list[str | int | list[int]]) -> None:
    if isinstance(prompt, str):
        return
    if not prompt:
        raise RequestError("bad_request", "missing_field", "`prompt` must not be empty.", param="prompt")
    if len(prompt) > MAX_PROMPTS and not _is_tokens(prompt):
        raise RequestError("bad_request", "too_many", f"`prompt` may hold {MAX_PROMPTS} prompts.", param="prompt")
    kind = type(prompt[0])
    for index, item in enumerate(prompt):
        if type(item) is not kind:
            path = f"prompt[{index}]"
            raise RequestError("bad_request", "invalid_type", f"`{path}` is not of the first one's type.", param=path)


def check_completions(body: CompletionsBody, fields: Mapping[str, Any], max_choices: int) -> None:
    check_ranges(fields)
    check_side_fields(fields)
    check_count("n", body.n, max_choices)
    check_count("best_of", body.best_of, max_choices)
    check_count("max_tokens", body.max_tokens)
    check_stop(body.stop)
    if body.logprobs is not None and not 0 <= body.logprobs <= 5:
        raise out_of_range("logprobs", "must be between 0 and 5")
    if body.best_of is not None and body.best_of < (body.n or 1):
        raise out_of_range("best_of", "must not be less than `n`")
    if body.stream and body.best_of is not None and body.best_of > 1:
        raise out_of_range("best_of", "cannot be streamed")
    if body.stream_options is not None and body.stream is not True:
        raise out_of_range("stream_options", "goes with `stream: true` only")


def _is_tokens(prompt: list[Any]) -> bool:
    return bool(prompt) and type(prompt[0]) is int
