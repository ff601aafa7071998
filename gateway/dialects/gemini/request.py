"""Write the body of a generateContent request from an OpenAI payload."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects import expressible as can
from gateway.dialects.gemini.contents import contents
from gateway.dialects.gemini.expressible import FIELDS, LEVELS

BUDGETS: Mapping[str, int] = MappingProxyType(
    {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
)
"""Tokens of thought, as Google's own OpenAI endpoint counts them, for models that take a budget."""
OLDER = ("gemini-1", "gemini-2", "gemini-exp", "learnlm", "gemma")
"""Models before thinking levels and enforced signatures, by a part of their id."""
RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "topP",
        "top_k": "topK",
        "seed": "seed",
        "presence_penalty": "presencePenalty",
        "frequency_penalty": "frequencyPenalty",
        "n": "candidateCount",
    }
)
MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}


def chat_body(payload: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Everything that `expressible` lets through, in Google's words."""
    said = can.expressed(payload, FIELDS)
    older = is_older(model)
    system, spoken = contents(said.get("messages"), signed=not older)
    wire: dict[str, Any] = {"contents": spoken}
    if system:
        wire["systemInstruction"] = {"parts": system}
    wire |= _tools(said)
    if config := _generation(said, older=older):
        wire["generationConfig"] = config
    if said.get("service_tier") in TIERS:
        wire["serviceTier"] = TIERS[said["service_tier"]]
    return wire


def is_older(model: str) -> bool:
    return any(part in model for part in OLDER)


def _tools(said: Mapping[str, Any]) -> dict[str, Any]:
    given = said.get("tools")
    functions = [tool["function"] for tool in given if can.is_function(tool)] if isinstance(given, list) else []
    if not functions:
        return {}
    wire: dict[str, Any] = {"tools": [{"functionDeclarations": [_declaration(each) for each in functions]}]}
    strict = any(function.get("strict") is True for function in functions)
    if config := _choice(said.get("tool_choice"), strict=strict):
        wire["toolConfig"] = {"functionCallingConfig": config}
    return wire


def _declaration(function: Mapping[str, Any]) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": function["name"]}
    if isinstance(function.get("description"), str):
        wire["description"] = function["description"]
    if function.get("parameters"):
        wire["parametersJsonSchema"] = _schema(function["parameters"])
    return wire


def _schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the dialect's address, which is no keyword here."""
    return {name: value for name, value in schema.items() if name != "$schema"} if "$schema" in schema else schema


def _choice(choice: Any, *, strict: bool) -> dict[str, Any]:
    name = can.named_tool(choice)
    if name is not None:
        return {"mode": "ANY", "allowedFunctionNames": [name]}
    if strict and choice in (None, "auto"):
        return {"mode": "VALIDATED"}  # free to call or to talk, but calls keep to their schema
    return {"mode": MODES[choice]} if isinstance(choice, str) else {}


def _generation(said: Mapping[str, Any], *, older: bool) -> dict[str, Any]:
    config: dict[str, Any] = {name: said[field] for field, name in RENAMED.items() if field in said}
    if config.get("candidateCount") == 1:
        del config["candidateCount"]
    if (limit := can.token_limit(said)) is not None:
        config["maxOutputTokens"] = limit
    if stop := can.stop_list(said.get("stop")):
        config["stopSequences"] = stop
    if said.get("logprobs"):
        config |= {"responseLogprobs": True} | ({"logprobs": said["top_logprobs"]} if "top_logprobs" in said else {})
    if (effort := said.get("reasoning_effort")) is not None:
        config["thinkingConfig"] = _thinking(effort, older=older)
    return config | _format(said.get("response_format"))


def _thinking(effort: str, *, older: bool) -> dict[str, Any]:
    how: dict[str, Any] = {"thinkingBudget": BUDGETS[effort]} if older else {"thinkingLevel": LEVELS[effort]}
    return how if effort == "none" else how | {"includeThoughts": True}


def _format(wanted: Any) -> dict[str, Any]:
    schema = can.response_schema(wanted)
    if schema is not None:
        return {"responseMimeType": "application/json", "responseJsonSchema": _schema(schema)}
    if isinstance(wanted, dict) and wanted.get("type") == "json_object":
        return {"responseMimeType": "application/json"}
    return {}
