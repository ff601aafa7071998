"""Write the body of a Cohere chat request from an OpenAI payload."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects import expressible as can
from gateway.dialects.anthropic.request import BUDGETS
from gateway.dialects.cohere.expressible import FIELDS, is_detail, unexpressed_part
from gateway.domain.table import Offer

RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature",
        "top_k": "k",
        "seed": "seed",
        "presence_penalty": "presence_penalty",
        "frequency_penalty": "frequency_penalty",
        "safety_mode": "safety_mode",
        "priority": "priority",
    }
)
LEAST_P, MOST_P = 0.01, 0.99
CHOICES = {"required": "REQUIRED", "none": "NONE"}


def body(payload: Mapping[str, Any], offer: Offer, *, stream: bool) -> dict[str, Any]:
    """Everything that `expressible` lets through, in Cohere's words."""
    said = {
        name: value for name, value in payload.items() if value is not None and FIELDS.get(name, can.nothing)(value)
    }
    wire: dict[str, Any] = {"model": offer.id, "messages": list(messages(said.get("messages"))), "stream": stream}
    wire |= {theirs: said[ours] for ours, theirs in RENAMED.items() if ours in said}
    if (limit := can.token_limit(said)) is not None:
        wire["max_tokens"] = limit
    if "top_p" in said:
        wire["p"] = min(max(said["top_p"], LEAST_P), MOST_P)
    if stop := can.stop_list(said.get("stop")):
        wire["stop_sequences"] = stop
    return wire | _tools(said) | _format(said.get("response_format")) | _thinking(said)


def messages(given: object) -> Iterator[dict[str, Any]]:
    for message in given if isinstance(given, list) else ():
        role = message.get("role") if isinstance(message, dict) else None
        if isinstance(role, str) and role in SPEAKERS:
            yield SPEAKERS[role](message)


def _system(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "system", "content": _content("system", message.get("content"))}


def _user(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": _content("user", message.get("content"))}


def _tool(message: Mapping[str, Any]) -> dict[str, Any]:
    told = _content("tool", message.get("content"))
    return {"role": "tool", "tool_call_id": message.get("tool_call_id") or "", "content": told}


def _assistant(message: Mapping[str, Any]) -> dict[str, Any]:
    """Beside tool calls Cohere calls the text a plan."""
    calls = message.get("tool_calls")
    called = [_call(call) for call in calls if can.is_function_call(call)] if isinstance(calls, list) else []
    content = _content("assistant", message.get("content"))
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        content = refusal
    if called:
        plan = content if isinstance(content, str) else "".join(part["text"] for part in content)
        return {"role": "assistant", "tool_calls": called} | ({"tool_plan": plan} if plan else {})
    if thoughts := list(_thoughts(message.get("thinking_blocks"))):
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return {"role": "assistant", "content": [*thoughts, *parts]}
    return {"role": "assistant", "content": content}


def _thoughts(given: object) -> Iterator[dict[str, Any]]:
    for block in given if isinstance(given, list) else ():
        if isinstance(block, dict) and isinstance(block.get("thinking"), str):
            yield {"type": "thinking", "thinking": block["thinking"]}


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    told = {"name": function["name"], "arguments": function.get("arguments") or "{}"}
    return {"id": call.get("id") or "", "type": "function", "function": told}


SPEAKERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = MappingProxyType(
    {"system": _system, "developer": _system, "user": _user, "assistant": _assistant, "tool": _tool}
)


def _content(role: str, content: object) -> Any:
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    return [_part(part) for part in content if isinstance(part, dict) and unexpressed_part(role, part) in SAYABLE]


SAYABLE = (None, "image_url.detail")
"""Parts that can be said, if need be without their detail."""


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    if part["type"] != "image_url":
        return {"type": "text", "text": part[part["type"]]}
    given = part["image_url"]
    detail = given.get("detail")
    more = {"detail": detail} if detail is not None and is_detail(detail) else {}
    return {"type": "image_url", "image_url": {"url": given["url"], **more}}


def _tools(said: Mapping[str, Any]) -> dict[str, Any]:
    given, choice = said.get("tools"), said.get("tool_choice")
    tools = [tool["function"] for tool in given if can.is_function(tool)] if isinstance(given, list) else []
    if (named := can.named_tool(choice)) is not None:
        # Cohere cannot be told which tool to call, but it can be offered one only.
        tools, choice = [tool for tool in tools if tool["name"] == named], "required"
    if not tools:
        return {}
    wire: dict[str, Any] = {"tools": [_declared(tool) for tool in tools]}
    if any(tool.get("strict") is True for tool in tools):
        wire["strict_tools"] = True
    if isinstance(choice, str) and choice in CHOICES:
        wire["tool_choice"] = CHOICES[choice]
    return wire


def _declared(tool: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: tool[name] for name in ("name", "description") if tool.get(name) is not None}
    return {"type": "function", "function": told | {"parameters": tool.get("parameters") or EMPTY}}


EMPTY = {"type": "object", "properties": {}}


def _format(wanted: Any) -> dict[str, Any]:
    if not isinstance(wanted, dict) or wanted.get("type") == "text":
        return {}
    schema = can.response_schema(wanted)
    return {"response_format": {"type": "json_object"} | ({} if schema is None else {"json_schema": schema})}


def _thinking(said: Mapping[str, Any]) -> dict[str, Any]:
    if "thinking" in said:
        return {"thinking": said["thinking"]}
    effort = said.get("reasoning_effort")
    if effort is None:
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled", "token_budget": BUDGETS[effort]}}
