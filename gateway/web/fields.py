"""The fields of OpenAI-shaped bodies that we check: their types, their ranges, and the ones that may not be there."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, convert

from gateway.errors import RequestError

B = TypeVar("B", bound=Struct)

CONTROL_FIELDS = frozenset(
    {
        "api_base",
        "base_url",
        "api_key",
        "api_version",
        "api_type",
        "organization",
        "user_config",
        "extra_headers",
        "extra_body",
        "extra_query",
        "custom_host",
        "custom_llm_provider",
        "default_headers",
        "headers",
        "mock_response",
        "proxy",
        "azure_endpoint",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "vertex_credentials",
    }
)
"""Fields that would steer our own outbound call, were they believed."""

RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_logprobs": (0, 20),
}

RANGED = frozenset(RANGES)
CHECKED = RANGED | {"n", "max_tokens", "max_completion_tokens", "stop", "stream_options", "user", "metadata"}
"""The fields whose values we look at, besides their types."""
MAX_TOKENS = (1 << 31) - 1
MAX_SIDE_BYTES = 16 * 1024
"""How large `user` and `metadata` may be: they are labels, not payload."""

_PATH = re.compile(r" - at `\$\.?(.*)`$")


def convert_checked(fields: Mapping[str, Any], shape: type[B]) -> B:
    """The fields as `shape`, or a sentence naming the first one of a wrong type."""
    try:
        return convert(fields, shape)
    except msgspec.ValidationError as error:
        text = str(error)
        path = _PATH.search(text)
        param = path.group(1) if path else None
        reason = text[: path.start()] if path else text
        missing = re.match(r"Object missing required field `(\w+)`", reason)
        if missing:
            name = f"{param}.{missing.group(1)}" if param else missing.group(1)
            raise RequestError("bad_request", "missing_field", f"`{name}` is required.", param=name) from None
        raise RequestError("bad_request", "invalid_type", f"`{param}`: {reason}.", param=param) from None


def check_control_fields(fields: Mapping[str, Any]) -> None:
    if CONTROL_FIELDS.isdisjoint(fields):
        return
    name = next(name for name in fields if name in CONTROL_FIELDS)
    raise RequestError("bad_request", "unknown_parameter", f"`{name}` is not a parameter of this gateway.", param=name)


def check_ranges(fields: Mapping[str, Any]) -> None:
    if RANGED.isdisjoint(fields):
        return
    for name, (low, high) in RANGES.items():
        value = fields.get(name)
        if value is not None and not low <= value <= high:
            raise out_of_range(name, f"must be between {low} and {high}")


def check_side_fields(fields: Mapping[str, Any]) -> None:
    user = fields.get("user")
    if user is not None and len(user) > MAX_SIDE_BYTES:
        raise RequestError("bad_request", "too_long", f"`user` is over {MAX_SIDE_BYTES} characters.", param="user")
    metadata = fields.get("metadata")
    if metadata is not None and len(msgspec.json.encode(metadata)) > MAX_SIDE_BYTES:
        raise RequestError("bad_request", "too_long", f"`metadata` is over {MAX_SIDE_BYTES} bytes.", param="metadata")


def check_count(name: str, value: int | None, high: int = MAX_TOKENS) -> None:
    if value is not None and not 1 <= value <= high:
        raise out_of_range(name, f"must be between 1 and {high}")


def check_stop(stop: str | list[str] | None) -> None:
    if isinstance(stop, list) and len(stop) > 4:
        raise out_of_range("stop", "may hold at most 4 sequences")


def out_of_range(param: str, what: str) -> RequestError:
    return RequestError("invalid_value", "invalid_value", f"`{param}` {what}.", param=param)
