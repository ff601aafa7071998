"""A Responses request becomes the payload of a chat completion."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.inbound.checks import optional, refuse_unknown, refused, required, typed
from gateway.dialects.inbound.responses.items import messages_of

CARRIED = (
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "service_tier",
)
"""Fields with the same name and meaning."""
KNOWN = frozenset(
    {
        *CARRIED,
        "model",
        "input",
        "instructions",
        "max_output_tokens",
        "metadata",
        "tools",
        "tool_choice",
        "text",
        "reasoning",
        "include",
        "top_logprobs",
        "stream",
        "stream_options",
        "store",
        "truncation",
    }
)
INCLUDABLE = ("reasoning.encrypted_content", "message.output_text.logprobs")
MEMORY_FIELDS = frozenset({"previous_response_id", "conversation", "prompt"})
"""What refers to something stored: answering without it would be answering something else."""
MEMORY = "needs an answer that was stored, and this gateway stores none: send the whole conversation as `input`"


def chat_payload(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of `POST /v1/responses`; raises RequestError naming what is wrong or cannot be said."""
    _refuse_memory(fields)
    refuse_unknown(fields, KNOWN)
    payload: dict[str, Any] = {"messages": _messages(fields)}
    if (model := optional(fields, "model", str)) is not None:
        payload["model"] = model
    for name in CARRIED:
        if fields.get(name) is not None:
            payload[name] = fields[name]
    if (limit := optional(fields, "max_output_tokens", int)) is not None:
        payload["max_completion_tokens"] = limit
    if optional(fields, "stream", bool):
        payload |= {"stream": True, "stream_options": {"include_usage": True}}
    return payload | _tools(fields) | _text(fields) | _reasoning(fields) | _logprobs(fields)


def _refuse_memory(fields: Mapping[str, Any]) -> None:
    for name in sorted(MEMORY_FIELDS):
        if fields.get(name) is not None:
            raise refused(name, MEMORY)
    if fields.get("store") is True:
        raise refused("store", "must be false: this gateway stores no answers")
    if fields.get("truncation") not in (None, "disabled"):
        raise refused("truncation", "must be disabled: this gateway never shortens a conversation")


def _messages(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    instructions = optional(fields, "instructions", str)
    first = [{"role": "system", "content": instructions}] if instructions else []
    given = fields.get("input")
    if isinstance(given, str):
        return [*first, {"role": "user", "content": given}]
    return first + messages_of(required(fields, "input", list))


def _tools(fields: Mapping[str, Any]) -> dict[str, Any]:
    given = optional(fields, "tools", list)
    if not given:
        return {}
    tools = [_tool(typed(tool, dict, f"tools[{index}]"), f"tools[{index}]") for index, tool in enumerate(given)]
    choice = fields.get("tool_choice")
    return {"tools": tools} | ({"tool_choice": _choice(choice)} if choice is not None else {})


def _tool(tool: Mapping[str, Any], place: str) -> dict[str, Any]:
    if required(tool, "type", str, place) != "function":
        raise refused(f"{place}.type", "must be function: this gateway runs no tools of its own")
    function: dict[str, Any] = {"name": required(tool, "name", str, place)}
    for name, kind in (("description", str), ("parameters", dict), ("strict", bool)):
        if (value := optional(tool, name, kind, place)) is not None:
            function[name] = value
    return {"type": "function", "function": function}


def _choice(choice: object) -> Any:
    if isinstance(choice, str):
        return choice
    fields = typed(choice, dict, "tool_choice")
    if fields.get("type") != "function":
        raise refused("tool_choice.type", "must be function")
    return {"type": "function", "function": {"name": required(fields, "name", str, "tool_choice")}}


def _text(fields: Mapping[str, Any]) -> dict[str, Any]:
    text = optional(fields, "text", dict) or {}
    refuse_unknown(text, frozenset({"format", "verbosity"}), "text")
    payload: dict[str, Any] = {}
    if text.get("verbosity") is not None:
        payload["verbosity"] = text["verbosity"]
    wanted = optional(text, "format", dict, "text")
    kind = required(wanted, "type", str, "text.format") if wanted else "text"
    if wanted and kind == "json_schema":
        required(wanted, "schema", dict, "text.format")
        inner = {name: value for name, value in wanted.items() if name != "type" and value is not None}
        payload["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer"} | inner}
    elif kind == "json_object":
        payload["response_format"] = {"type": "json_object"}
    elif kind != "text":
        raise refused("text.format.type", "must be text, json_object or json_schema")
    return payload


def _reasoning(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Only the effort is asked for: a summary is given wherever the model's reasoning can be seen."""
    reasoning = optional(fields, "reasoning", dict) or {}
    refuse_unknown(reasoning, frozenset({"effort", "summary", "generate_summary"}), "reasoning")
    effort = optional(reasoning, "effort", str, "reasoning")
    return {} if effort is None else {"reasoning_effort": effort}


def _logprobs(fields: Mapping[str, Any]) -> dict[str, Any]:
    include = optional(fields, "include", list) or []
    for index, name in enumerate(include):
        if name not in INCLUDABLE:
            raise refused(f"include[{index}]")
    tops = optional(fields, "top_logprobs", int)
    if not tops and "message.output_text.logprobs" not in include:
        return {}
    return {"logprobs": True} | ({"top_logprobs": tops} if tops else {})
