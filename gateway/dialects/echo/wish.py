"""What a request to echo wants to see: the text to say, the tools to call, the fault to play."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.echo.instance import instance_of


class ToolCall(Struct, frozen=True, kw_only=True):
    name: str
    arguments: str


class Wish(Struct, frozen=True, kw_only=True):
    """One answer, before it is cut to length and dressed as JSON."""

    text: str = ""
    thought: str = ""
    calls: tuple[ToolCall, ...] = ()


class Fault(Struct, frozen=True, kw_only=True):
    """What goes wrong, if anything."""

    status: int | None = None
    pause_s: float = 0.0
    cut: bool = False
    garbled: bool = False
    no_usage: bool = False


DIRECTIVE = re.compile(r"(?:^|\s)!(fail|slow|cut|garbled|no-usage)(?:[ -](\d{1,6}(?:\.\d{1,3})?))?(?=\s|$)")
IN_MODEL = re.compile(r"-(fail|slow|cut|garbled|no-usage)(?:-(\d{1,6}(?:\.\d{1,3})?))?(?=-|$)")
CALL = re.compile(r"^\s*call\s+([A-Za-z0-9_.-]{1,64})\s*(\{.*\})?\s*$", re.MULTILINE)
THINK = re.compile(r"!think\s+([^\n]*)")
SLOW_S = 0.05
LONGEST_PAUSE_S = 60.0


def fault_of(payload: dict[str, Any]) -> Fault:
    """Faults named in the model's id or in the last message."""
    model = payload.get("model")
    found = dict(IN_MODEL.findall(model) if isinstance(model, str) else ())
    found |= dict(DIRECTIVE.findall(last_text(payload)[:10_000]))
    status = int(float(found["fail"] or 500)) if "fail" in found else None
    return Fault(
        status=status if status is None or 400 <= status <= 599 else 500,
        pause_s=min(float(found["slow"] or SLOW_S), LONGEST_PAUSE_S) if "slow" in found else 0.0,
        cut="cut" in found,
        garbled="garbled" in found,
        no_usage="no-usage" in found,
    )


def last_text(payload: dict[str, Any]) -> str:
    """What the caller said last: of the user, or the result of a tool."""
    messages = payload.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") in {"user", "tool", "function"}:
            return text_of(message.get("content"))
    prompt = payload.get("prompt", payload.get("input"))
    return text_of(prompt)


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return " ".join(_part(part) for part in content)


def _part(part: Any) -> str:
    if isinstance(part, dict):
        return part["text"] if isinstance(part.get("text"), str) else f"[{part.get('type', 'part')}]"
    return str(part)


def wish_of(payload: dict[str, Any]) -> Wish:
    """Tools before structured output before plain words."""
    text = last_text(payload)
    thought = " ".join(THINK.findall(text))
    calls = _calls(payload, text)
    if calls:
        return Wish(calls=calls, thought=thought)
    shaped = _shaped(payload.get("response_format"), text)
    return Wish(text=shaped if shaped is not None else f"echo: {text}", thought=thought)


def _calls(payload: dict[str, Any], text: str) -> tuple[ToolCall, ...]:
    tools = _tools(payload)
    choice = payload.get("tool_choice", "auto")
    if not tools or choice == "none":
        return ()
    asked = [(name, given) for name, given in CALL.findall(text[:10_000]) if name in tools]
    named = (
        choice["function"].get("name")
        if isinstance(choice, dict) and isinstance(choice.get("function"), dict)
        else None
    )
    if not asked and (named or choice == "required"):
        asked = [(named if named in tools else next(iter(tools)), "")]
    if payload.get("parallel_tool_calls") is False:
        asked = asked[:1]
    return tuple(ToolCall(name=name, arguments=given or _json(instance_of(tools[name]))) for name, given in asked)


def _tools(payload: dict[str, Any]) -> dict[str, Any]:
    """Parameters by name."""
    tools = payload.get("tools")
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return {
        function["name"]: function.get("parameters") or {"type": "object"}
        for function in functions
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    }


def _shaped(wanted: Any, text: str) -> str | None:
    if not isinstance(wanted, dict):
        return None
    if wanted.get("type") == "json_object":
        return _json({"echo": text})
    schema = wanted.get("json_schema")
    if wanted.get("type") == "json_schema" and isinstance(schema, dict):
        return _json(instance_of(schema.get("schema", {})))
    return None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
