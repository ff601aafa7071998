"""A Messages request becomes the payload of a chat completion."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.inbound.checks import optional, refuse_unknown, refused, required, typed
from gateway.dialects.inbound.messages.turns import messages_of, text_parts

KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "system",
        "tools",
        "tool_choice",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "metadata",
        "thinking",
        "output_config",
        "output_format",
        "service_tier",
        "cache_control",
    }
)
CARRIED = ("temperature", "top_p", "top_k")
"""Fields with the same name and meaning."""
TIERS = {"auto": "auto", "standard_only": "default"}
EFFORT_OF_BUDGET = ((4096, "low"), (16_384, "medium"))
"""Thinking budgets below each number, as an effort; more than the last is `high`."""


def chat_payload(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of `POST /v1/messages`; raises RequestError naming what is wrong or cannot be said."""
    limit = required(fields, "max_tokens", int)
    return countable_payload(fields) | {"max_completion_tokens": limit}


def countable_payload(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of `POST /v1/messages/count_tokens`, which has no limit."""
    refuse_unknown(fields, KNOWN)
    payload: dict[str, Any] = {}
    if (model := optional(fields, "model", str)) is not None:
        payload["model"] = model  # without one the strategy chooses, or the configuration's default
    payload["messages"] = _system(fields) + messages_of(required(fields, "messages", list))
    if (mark := optional(fields, "cache_control", dict)) is not None:
        _mark_last(payload["messages"], mark)
    for name in CARRIED:
        if fields.get(name) is not None:
            payload[name] = fields[name]
    if stop := optional(fields, "stop_sequences", list):
        payload["stop"] = stop
    if optional(fields, "stream", bool):
        payload |= {"stream": True, "stream_options": {"include_usage": True}}
    return payload | _tools(fields) | _thinking(fields) | _format(fields) | _account(fields)


def _system(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    system = fields.get("system")
    if isinstance(system, str):
        return [{"role": "system", "content": system}] if system else []
    parts = text_parts(typed(system, list, "system"), "system") if system is not None else []
    return [{"role": "system", "content": parts}] if parts else []


def _mark_last(messages: list[dict[str, Any]], mark: dict[str, Any]) -> None:
    """A marker for the whole request means its last block."""
    if messages:
        messages[-1]["cache_control"] = mark


def _tools(fields: Mapping[str, Any]) -> dict[str, Any]:
    given = optional(fields, "tools", list)
    if not given:
        return {}
    tools = [_tool(typed(tool, dict, f"tools[{index}]"), f"tools[{index}]") for index, tool in enumerate(given)]
    return {"tools": tools} | _choice(optional(fields, "tool_choice", dict))


def _tool(tool: Mapping[str, Any], place: str) -> dict[str, Any]:
    if tool.get("type") not in (None, "custom"):
        raise refused(f"{place}.type", "names a tool that runs at the provider, which this gateway does not offer")
    function: dict[str, Any] = {"name": required(tool, "name", str, place)}
    if (description := optional(tool, "description", str, place)) is not None:
        function["description"] = description
    function["parameters"] = required(tool, "input_schema", dict, place)
    if tool.get("strict") is True:
        function["strict"] = True
    mark = optional(tool, "cache_control", dict, place)
    return {"type": "function", "function": function} | ({"cache_control": mark} if mark else {})


CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def _choice(choice: Mapping[str, Any] | None) -> dict[str, Any]:
    if choice is None:
        return {}
    kind = required(choice, "type", str, "tool_choice")
    payload: dict[str, Any] = {}
    if kind == "tool":
        name = required(choice, "name", str, "tool_choice")
        payload["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif kind in CHOICES:
        payload["tool_choice"] = CHOICES[kind]
    else:
        raise refused("tool_choice.type", "must be auto, any, tool or none")
    if choice.get("disable_parallel_tool_use") is True:
        payload["parallel_tool_calls"] = False
    return payload


def _thinking(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Effort is said outright or follows from the budget; adaptive thinking without one leaves it to the model."""
    config = optional(fields, "output_config", dict) or {}
    if (effort := optional(config, "effort", str, "output_config")) is not None:
        return {"reasoning_effort": effort}
    thinking = optional(fields, "thinking", dict)
    kind = required(thinking, "type", str, "thinking") if thinking is not None else "adaptive"
    if kind == "disabled":
        return {"reasoning_effort": "none"}
    if kind != "enabled" or thinking is None:
        return {}
    budget = required(thinking, "budget_tokens", int, "thinking")
    return {"reasoning_effort": next((effort for limit, effort in EFFORT_OF_BUDGET if budget < limit), "high")}


def _format(fields: Mapping[str, Any]) -> dict[str, Any]:
    config = optional(fields, "output_config", dict) or {}
    refuse_unknown(config, frozenset({"effort", "format"}), "output_config")
    place, wanted = "output_config.format", optional(config, "format", dict, "output_config")
    if wanted is None:
        place, wanted = "output_format", optional(fields, "output_format", dict)
    if wanted is None:
        return {}
    if wanted.get("type") != "json_schema":
        raise refused(f"{place}.type", "must be json_schema")
    schema = required(wanted, "schema", dict, place)
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    }


def _account(fields: Mapping[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    metadata = optional(fields, "metadata", dict) or {}
    refuse_unknown(metadata, frozenset({"user_id"}), "metadata")
    if (user := optional(metadata, "user_id", str, "metadata")) is not None:
        payload["user"] = user
    tier = optional(fields, "service_tier", str)
    if tier is not None:
        if tier not in TIERS:
            raise refused("service_tier", "must be auto or standard_only")
        payload["service_tier"] = TIERS[tier]
    return payload
