"""Write the body of a Messages request from an OpenAI payload."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects import expressible as can
from gateway.dialects.anthropic.expressible import FIELDS
from gateway.dialects.anthropic.models import BUDGETED, refused_sampling
from gateway.dialects.anthropic.schema import fit
from gateway.dialects.anthropic.turns import turns
from gateway.domain.table import Offer

DEFAULT_MAX_TOKENS = 4096
SMALLEST_BUDGET = 1024
BUDGETS: Mapping[str, int] = MappingProxyType(
    {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 32_000, "max": 60_000}
)
"""Tokens of thought for models that take a budget instead of an effort."""
TIERS = {"auto": "auto", "default": "standard_only"}
JSON_ONLY = "Answer with one JSON object and nothing else: no code fence, no text before or after it."


def body(
    payload: Mapping[str, Any], offer: Offer, *, stream: bool, thinking: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Everything that `expressible` lets through, in Anthropic's words; `thinking` as a caller of Messages said it."""
    said = {
        name: value for name, value in payload.items() if value is not None and FIELDS.get(name, can.nothing)(value)
    }
    for name in refused_sampling(said, offer.id):
        del said[name]
    system, messages = turns(said.get("messages"))
    limit = can.token_limit(said) or offer.max_output_tokens or DEFAULT_MAX_TOKENS
    wire: dict[str, Any] = {"model": offer.id, "max_tokens": limit, "messages": messages}
    thought = _verbatim(thinking, said, offer.id, limit)
    wire |= _tools(said) | _sampling(said) | _account(said)
    wire |= _thinking(said, offer.id, limit) if thought is None else thought
    if said.get("response_format"):
        _format(said["response_format"], wire, system)
    if system:
        wire["system"] = system
    if stream:
        wire["stream"] = True
    return wire


def _tools(said: Mapping[str, Any]) -> dict[str, Any]:
    given = said.get("tools")
    tools = [_tool(tool) for tool in given if can.is_function(tool)] if isinstance(given, list) else []
    if not tools:
        return {}  # a choice among no tools is refused by the provider
    choice = _choice(said.get("tool_choice"))
    if said.get("parallel_tool_calls") is False and choice != {"type": "none"}:
        choice = (choice or {"type": "auto"}) | {"disable_parallel_tool_use": True}
    return {"tools": tools} | ({"tool_choice": choice} if choice else {})


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    schema = function.get("parameters") or {}
    wire: dict[str, Any] = {"name": function["name"]}
    if isinstance(function.get("description"), str):
        wire["description"] = function["description"]
    wire["input_schema"] = {"type": "object", "properties": {}} | schema
    if function.get("strict") is True:
        wire["strict"] = True
    mark = tool.get("cache_control") or function.get("cache_control")
    return wire | {"cache_control": mark} if isinstance(mark, dict) else wire


CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def _choice(choice: Any) -> dict[str, Any] | None:
    if isinstance(choice, str):
        return {"type": CHOICES[choice]}
    name = can.named_tool(choice)
    return {"type": "tool", "name": name} if name is not None else None


def _sampling(said: Mapping[str, Any]) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    for name in ("temperature", "top_p"):
        if said.get(name, 1) != 1:  # 1 is what the provider does anyway, and newer models refuse to be told
            wire[name] = said[name]
    if "top_k" in said:
        wire["top_k"] = said["top_k"]
    if stop := can.stop_list(said.get("stop")):
        wire["stop_sequences"] = stop
    return wire


def _verbatim(
    thinking: Mapping[str, Any] | None, said: Mapping[str, Any], model: str, limit: int
) -> dict[str, Any] | None:
    """What was said in Anthropic's own words, where this model knows them; an effort says more than a budget."""
    if thinking is None:
        return None
    budgeted, budget = any(part in model for part in BUDGETED), thinking.get("budget_tokens")
    if thinking.get("type") == "enabled" and budgeted and isinstance(budget, int):
        room = min(budget, limit - 1)
        return {"thinking": {**thinking, "budget_tokens": room}} if room >= SMALLEST_BUDGET else {}
    if thinking.get("type") == "adaptive" and not budgeted:
        effort = said.get("reasoning_effort")
        return {"thinking": dict(thinking)} | ({"output_config": {"effort": effort}} if effort else {})
    return None


def _thinking(said: Mapping[str, Any], model: str, limit: int) -> dict[str, Any]:
    if isinstance(said.get("thinking"), dict):
        return {"thinking": said["thinking"]}
    effort = said.get("reasoning_effort")
    if effort is None:
        return {}
    if any(part in model for part in BUDGETED):
        budget = min(BUDGETS.get(effort, 0), limit - 1)
        # Thought counts towards the limit: where there is no room for the smallest budget, none can be asked for.
        return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= SMALLEST_BUDGET else {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    level = "low" if effort == "minimal" else effort
    return {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": level}}


def _account(said: Mapping[str, Any]) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    if user := said.get("safety_identifier") or said.get("user"):
        wire["metadata"] = {"user_id": user}
    if tier := said.get("service_tier"):
        wire["service_tier"] = TIERS[tier]
    if "cache_control" in said:
        wire["cache_control"] = said["cache_control"]
    return wire


def _format(wanted: Any, wire: dict[str, Any], system: list[dict[str, Any]]) -> None:
    schema = can.response_schema(wanted)
    if schema is not None:
        wire["output_config"] = wire.get("output_config", {}) | {
            "format": {"type": "json_schema", "schema": fit(schema)}
        }
    elif wanted.get("type") == "json_object":
        system.append({"type": "text", "text": JSON_ONLY})
