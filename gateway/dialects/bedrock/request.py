"""Write the body of a Converse request from an OpenAI payload."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects import expressible as can
from gateway.dialects.anthropic.models import BUDGETED, refused_sampling
from gateway.dialects.anthropic.request import BUDGETS, JSON_ONLY, SMALLEST_BUDGET
from gateway.dialects.anthropic.schema import fit
from gateway.dialects.bedrock.expressible import FIELDS, TIERS
from gateway.dialects.bedrock.turns import cache_point, turns
from gateway.domain.table import Offer, Provider

FAMILIES: tuple[tuple[str, str], ...] = (
    ("anthropic", "anthropic"),
    ("claude", "anthropic"),
    ("nova", "nova"),
    ("cohere", "cohere"),
    ("gpt-oss", "gpt-oss"),
)
"""A part of the model's id to the family whose own words it knows."""
NOVA_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}


def body(payload: Mapping[str, Any], offer: Offer, provider: Provider) -> dict[str, Any]:
    """Everything that `expressible` lets through, in Converse's words."""
    said = {
        name: value for name, value in payload.items() if value is not None and FIELDS.get(name, can.nothing)(value)
    }
    for name in refused_sampling(said, offer.id):
        del said[name]
    family = family_of(offer.id)
    system, messages = turns(said.get("messages"))
    if messages:
        messages[-1]["content"] += cache_point(said)
    wire: dict[str, Any] = {"messages": messages}
    own = _top_k(said, family)
    output = _format(said.get("response_format"), system)
    _reason(said, offer, family, own, output)
    more = {
        "system": system,
        "inferenceConfig": _inference(said, family),
        "toolConfig": _tools(said, messages),
        "additionalModelRequestFields": own,
        "outputConfig": output,
        "requestMetadata": _labels(said),
        "guardrailConfig": _guardrail(provider),
    }
    wire |= {name: value for name, value in more.items() if value}
    if tier := TIERS.get(said.get("service_tier", "auto")):
        wire["serviceTier"] = {"type": tier}
    return wire


def family_of(model: str) -> str:
    return next((family for part, family in FAMILIES if part in model), "")


def _inference(said: Mapping[str, Any], family: str) -> dict[str, Any]:
    wire: dict[str, Any] = {}
    if (limit := can.token_limit(said)) is not None:
        wire["maxTokens"] = limit
    for name, theirs in (("temperature", "temperature"), ("top_p", "topP")):
        if name in said and not (family == "anthropic" and said[name] == 1):  # its default, which newer ones refuse
            wire[theirs] = said[name]
    if stop := [each for each in can.stop_list(said.get("stop")) if each]:
        wire["stopSequences"] = stop
    return wire


TOP_K: Mapping[str, str] = MappingProxyType({"cohere": "k"})


def _top_k(said: Mapping[str, Any], family: str) -> dict[str, Any]:
    if "top_k" not in said:
        return {}
    if family == "nova":
        return {"inferenceConfig": {"topK": said["top_k"]}}
    return {TOP_K.get(family, "top_k"): said["top_k"]}


def _tools(said: Mapping[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    given = said.get("tools")
    choice = said.get("tool_choice")
    tools = (
        [block for tool in given if can.is_function(tool) for block in _tool(tool)] if isinstance(given, list) else []
    )
    if not tools or choice == "none":
        # Tools that were called before must be declared, even where none may be called any more.
        return {"tools": [_spec(name, {}) for name in sorted(set(_called(messages)))]} if any(_called(messages)) else {}
    wire: dict[str, Any] = {"tools": tools}
    if (named := can.named_tool(choice)) is not None:
        wire["toolChoice"] = {"tool": {"name": named}}
    elif isinstance(choice, str):
        wire["toolChoice"] = {CHOICES[choice]: {}}
    return wire


CHOICES = {"auto": "auto", "required": "any"}


def _tool(tool: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    function = tool["function"]
    yield _spec(function["name"], function)
    yield from cache_point(tool) or cache_point(function)


def _spec(name: str, function: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}} | (function.get("parameters") or {})
    wire: dict[str, Any] = {"name": name, "inputSchema": {"json": schema}}
    if isinstance(function.get("description"), str) and function["description"].strip():
        wire["description"] = function["description"]
    if function.get("strict") is True:
        wire["strict"] = True
    return {"toolSpec": wire}


def _called(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        for block in message["content"]:
            if "toolUse" in block:
                yield block["toolUse"]["name"]


def _format(wanted: Any, system: list[dict[str, Any]]) -> dict[str, Any]:
    schema = can.response_schema(wanted)
    if schema is not None:
        holder = wanted["json_schema"]
        told = {"schema": msgspec.json.encode(fit(schema)).decode()}
        told |= {name: holder[name] for name in ("name", "description") if isinstance(holder.get(name), str)}
        return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": told}}}
    if isinstance(wanted, dict) and wanted.get("type") == "json_object":
        system.append({"text": JSON_ONLY})
    return {}


def _reason(said: Mapping[str, Any], offer: Offer, family: str, own: dict[str, Any], output: dict[str, Any]) -> None:
    """How hard to think: each family wants to be told in its own place."""
    effort = said.get("reasoning_effort")
    if effort is None or (effort == "none" and family != "nova"):
        return
    level = "low" if effort == "minimal" else effort
    if family == "nova":
        kind = {"type": "disabled"} if effort == "none" else {"type": "enabled"}
        level = {} if effort == "none" else {"maxReasoningEffort": NOVA_EFFORTS.get(effort, effort)}
        own["reasoningConfig"] = kind | level
    elif family == "gpt-oss":
        own["reasoning_effort"] = NOVA_EFFORTS.get(effort, effort)
    elif family == "anthropic" and any(part in offer.id for part in BUDGETED):
        limit = can.token_limit(said) or offer.max_output_tokens or BUDGETS[effort] + 1
        if (budget := min(BUDGETS[effort], limit - 1)) >= SMALLEST_BUDGET:
            own["thinking"] = {"type": "enabled", "budget_tokens": budget}
    else:
        output["effort"] = level
        if family == "anthropic":
            own["thinking"] = {"type": "adaptive"}


def _labels(said: Mapping[str, Any]) -> dict[str, str]:
    labels = dict(said.get("metadata") or {})
    for name in ("user", "safety_identifier"):
        if said.get(name):
            labels[name] = said[name]
    return labels


def _guardrail(provider: Provider) -> dict[str, str]:
    told = (("guardrail_id", "guardrailIdentifier"), ("guardrail_version", "guardrailVersion"))
    return {theirs: provider.options[ours].reveal() for ours, theirs in told if ours in provider.options}
