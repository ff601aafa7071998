"""What an OpenAI-compatible provider says."""

import base64
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from tests.wire.scripted import Scripted, events, json_reply

MODEL = "gpt-4o-2024-08-06"
ID = "chatcmpl-upstream-1"
CREATED = 1_700_000_000

Usage = tuple[int, int] | dict[str, Any] | None


def openai_chat(
    text: str | None = "Hello there!",
    *,
    model: str = MODEL,
    usage: Usage = (10, 5),
    finish: str = "stop",
    tool_calls: Sequence[dict[str, Any]] | None = None,
    choices: int = 1,
    extra: dict[str, Any] | None = None,
    **more: Any,
) -> Scripted:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if tool_calls:
        message["tool_calls"] = list(tool_calls)
    value: dict[str, Any] = {
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish} for index in range(choices)
        ],
    }
    return json_reply(_with_usage(value, usage) | (extra or {}), **more)


def openai_stream(
    words: Iterable[str] = ("Hello", " there", "!"),
    *,
    model: str = MODEL,
    usage: Usage = (10, 5),
    finish: str | None = "stop",
    done: bool = True,
    role_first: bool = True,
    ending: Iterable[Any] = (),
    **more: Any,
) -> Scripted:
    """One chunk a word; the usage chunk with empty choices comes last; `ending` is said just before [DONE]."""
    said: list[Any] = []
    if role_first:
        said.append(stream_chunk({"role": "assistant", "content": ""}, model=model))
    said += [stream_chunk({"content": word}, model=model) for word in words]
    if finish is not None:
        said.append(stream_chunk({}, model=model, finish=finish))
    if usage is not None:
        said.append(stream_chunk(None, model=model) | {"usage": _usage(usage)})
    return events([*said, *ending], done=done, **more)


def stream_chunk(
    delta: dict[str, Any] | None, *, model: str = MODEL, finish: str | None = None, index: int = 0
) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return {"id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": model, "choices": choices}


def completion(
    *texts: str, model: str = "gpt-3.5-turbo-instruct", usage: Usage = (10, 5), finish: str = "stop", **more: Any
) -> Scripted:
    value = {
        "id": "cmpl-upstream-1",
        "object": "text_completion",
        "created": CREATED,
        "model": model,
        "choices": [
            {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
            for index, text in enumerate(texts or ("Hello there!",))
        ],
    }
    return json_reply(_with_usage(value, usage), **more)


def embedding(
    *vectors: Sequence[float],
    model: str = "text-embedding-3-small",
    tokens: int = 3,
    encoding: Literal["float", "base64"] = "float",
    **more: Any,
) -> Scripted:
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector, encoding)}
        for index, vector in enumerate(vectors or ((0.25, -0.5, 1.0),))
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json_reply({"object": "list", "data": data, "model": model, "usage": usage}, **more)


ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def openai_error(
    status: int,
    code: str | None = None,
    message: str = "the provider says no",
    *,
    type: str | None = None,
    param: str | None = None,
    **more: Any,
) -> Scripted:
    error = {"message": message, "type": type or ERROR_TYPES.get(status, "server_error"), "param": param, "code": code}
    return json_reply({"error": error}, status, **more)


def _with_usage(value: dict[str, Any], usage: Usage) -> dict[str, Any]:
    return value if usage is None else value | {"usage": _usage(usage)}


def _usage(usage: tuple[int, int] | dict[str, Any]) -> dict[str, Any]:
    if isinstance(usage, dict):
        return usage
    prompt, output = usage
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def _encoded(vector: Sequence[float], encoding: str) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return list(vector)
