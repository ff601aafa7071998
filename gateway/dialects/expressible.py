"""Which fields of a request a dialect can express: tests by name, so that nothing is dropped in silence."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Test = Callable[[Any], bool]
"""Whether this value can be expressed."""
PartTest = Callable[[str, Mapping[str, Any]], str | None]
"""The place inside a content part (`` for the whole part) that cannot be expressed; None when all of it can."""


def anything(value: object) -> bool:  # noqa: ARG001
    return True


def nothing(value: object) -> bool:  # noqa: ARG001
    return False


def falsy(value: object) -> bool:
    """Off, zero or empty: asking for nothing is easily done."""
    return not value


def one_of(*allowed: Any) -> Test:
    """Exactly one of these values."""
    return lambda value: any(value == each and type(value) is type(each) for each in allowed)


def at_most(limit: float) -> Test:
    return lambda value: isinstance(value, int | float) and value <= limit


def unexpressed(payload: Mapping[str, Any], tests: Mapping[str, Test]) -> Iterator[str]:
    """Names of the fields that are there, not null, and have no test that they pass."""
    for name, value in payload.items():
        if value is not None and not tests.get(name, nothing)(value):
            yield name


def expressed(payload: Mapping[str, Any], tests: Mapping[str, Test]) -> dict[str, Any]:
    """The fields that pass: what is left of the payload when the others are dropped."""
    return {name: value for name, value in payload.items() if value is not None and tests.get(name, nothing)(value)}


def unexpressed_messages(messages: object, roles: Mapping[str, frozenset[str]], part_test: PartTest) -> Iterator[str]:
    """Paths inside `messages`: roles, fields of a role, parts and tool calls that cannot be said."""
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        place = f"messages[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        fields = roles.get(role) if isinstance(role, str) else None
        if role is None or fields is None:
            yield f"{place}.role"
            continue
        for name, value in message.items():
            if name not in fields and value is not None:
                yield f"{place}.{name}"
        content = message.get("content")
        if content is not None and not isinstance(content, str):
            yield from _parts(f"{place}.content", role, content, part_test)
        if message.get("tool_calls") is not None and "tool_calls" in fields:
            yield from _calls(f"{place}.tool_calls", message["tool_calls"])


def _parts(place: str, role: str, content: object, part_test: PartTest) -> Iterator[str]:
    if not isinstance(content, list):
        yield place
        return
    for index, part in enumerate(content):
        inside = part_test(role, part) if isinstance(part, dict) else ""
        if inside is not None:
            yield f"{place}[{index}].{inside}" if inside else f"{place}[{index}]"


def _calls(place: str, calls: object) -> Iterator[str]:
    if not isinstance(calls, list):
        yield place
        return
    for index, call in enumerate(calls):
        if not is_function_call(call):
            yield f"{place}[{index}]"


def is_function_call(call: object) -> bool:
    """A tool call as every provider knows it."""
    if not isinstance(call, dict) or call.get("type", "function") != "function":
        return False
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return False
    return isinstance(function.get("arguments", ""), str | None)


def unexpressed_tools(tools: object) -> Iterator[str]:
    """Paths inside `tools` that are not functions."""
    if tools is None:
        return
    if not isinstance(tools, list):
        yield "tools"
        return
    for index, tool in enumerate(tools):
        if not is_function(tool):
            yield f"tools[{index}]"


def is_function(tool: object) -> bool:
    """A tool definition as every provider knows it."""
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return False
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return False
    return isinstance(function.get("parameters"), dict | None)


def is_tool_choice(value: object) -> bool:
    """`none`, `auto`, `required`, or one function by name."""
    if isinstance(value, str):
        return value in {"none", "auto", "required"}
    return named_tool(value) is not None


def named_tool(value: object) -> str | None:
    """The function that `tool_choice` names."""
    function = value.get("function") if isinstance(value, dict) and value.get("type") == "function" else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def is_response_format(value: object) -> bool:
    """`text`, `json_object`, or `json_schema` with a schema in it."""
    if not isinstance(value, dict):
        return False
    return value.get("type") in ("text", "json_object") or response_schema(value) is not None


def response_schema(value: object) -> dict[str, Any] | None:
    """The schema that `response_format` holds."""
    if not isinstance(value, dict) or value.get("type") != "json_schema":
        return None
    holder = value.get("json_schema")
    schema = holder.get("schema") if isinstance(holder, dict) else None
    return schema if isinstance(schema, dict) else None


def data_url(url: object) -> tuple[str, str] | None:
    """Media type and base64 text of a data URL; None for any other URL."""
    if not isinstance(url, str) or not url.startswith("data:"):
        return None
    head, comma, data = url[5:].partition(",") if "," in url[5:300] else ("", "", "")
    media, _, encoding = head.rpartition(";")
    if not comma or encoding.strip().lower() != "base64":
        return None
    media = media.partition(";")[0].strip().lower()
    return MEDIA_ALIASES.get(media, media), data


MEDIA_ALIASES = {"image/jpg": "image/jpeg", "": "text/plain"}


def stop_list(value: object) -> list[str]:
    """`stop` as a list, whatever way it was written."""
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def is_stop(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


def token_limit(payload: Mapping[str, Any]) -> int | None:
    """The most output tokens the caller wants, under either name."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = payload.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
