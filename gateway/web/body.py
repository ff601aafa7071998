"""The bytes of a request become one JSON object, or a sentence that says why not."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from gateway.errors import RequestError
from gateway.web.leaving import CallerLeftError
from gateway.web.stepped import Stepped

MAX_DEPTH = 64
PYTHON_INT_LIMIT = 1 << 64

Receive = Callable[[], Awaitable[Any]]

_decode = msgspec.json.decode


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], max_bytes: int, timeout_s: float) -> bytes:
    """The whole body, never more than `max_bytes` of it in memory, within `timeout_s`."""
    declared = headers.get(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > max_bytes:
        raise too_large(max_bytes)
    first = Stepped(receive())
    if first.done and not first.value.get("more_body", False):  # it had all come by the time we asked: no clock
        return _bounded(_part(first.value), max_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            return await _read_all(receive, await first.rest(), max_bytes)
    except TimeoutError:
        raise RequestError(
            "body_timeout", "body_timeout", f"The request body did not arrive within {timeout_s:g} s."
        ) from None


async def _read_all(receive: Receive, message: Any, max_bytes: int) -> bytes:
    body = bytearray(_part(message))
    while message.get("more_body", False):
        if len(body) > max_bytes:
            raise too_large(max_bytes)
        message = await receive()
        body += _part(message)
    return _bounded(bytes(body), max_bytes)


def _part(message: Any) -> bytes:
    if message["type"] == "http.disconnect":
        raise CallerLeftError
    part: bytes = message.get("body", b"")
    return part


def _bounded(body: bytes, max_bytes: int) -> bytes:
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    return body


def too_large(max_bytes: int) -> RequestError:
    return RequestError("too_large", "request_too_large", f"The request body is larger than {max_bytes} bytes.")


def check_content(headers: Mapping[bytes, bytes]) -> None:
    why = why_unread(headers)
    if why is not None:
        raise unsupported(why)


def why_unread(headers: Mapping[bytes, bytes]) -> str | None:
    """Bodies are plain JSON whatever they are called, curl's default included; files and encodings are refused."""
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        return "Compressed request bodies are not read; send plain JSON."
    kind = headers.get(b"content-type")
    if kind is not None and kind.strip().lower().startswith(b"multipart/"):
        return "This route reads JSON; send `Content-Type: application/json`."
    return None


def unsupported(why: str) -> RequestError:
    return RequestError("unsupported_media", "unsupported_media_type", why)


def decode_object(body: bytes) -> dict[str, Any]:
    """One JSON object, at most 64 levels deep, with numbers that exist."""
    value = decode_json(body)
    if type(value) is not dict:
        raise bad_json("The body must be a JSON object.")
    return value


def decode_json(body: bytes) -> Any:
    try:
        value = _decode(body)
    except RecursionError:
        raise too_deep() from None
    except msgspec.ValidationError as error:
        raise bad_json(f"The body holds a number that cannot be represented ({error}).") from None
    except msgspec.DecodeError as error:
        raise bad_json(f"The body is not valid JSON: {_plain(str(error), body)}.") from None
    except UnicodeDecodeError as error:
        raise bad_json(f"The body is not valid UTF-8 (byte {error.start}: {error.reason}).") from None
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _check_depth(value)
    return value


def _plain(reason: str, body: bytes) -> str:
    if "truncated" in reason:
        return f"it ends too early or holds half of a surrogate pair (byte {len(body)})"
    return reason.removeprefix("JSON is malformed: ")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return
    raise too_deep()


def bad_json(message: str) -> RequestError:
    return RequestError("bad_request", "invalid_json", message)


def too_deep() -> RequestError:
    return RequestError("bad_request", "json_too_deep", f"The body is nested deeper than {MAX_DEPTH} levels.")
