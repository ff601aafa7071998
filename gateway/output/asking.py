"""Ask a model for the shape its answer shall have: natively where the provider can, in words elsewhere, and again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.domain.ask import OutputContract
from gateway.output.validator import Mismatch

JSON = "Answer with JSON only: no other text, no code fence."
FITTING = " The JSON must be valid against this JSON Schema:\n"
INSTRUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "json": JSON,
        "xml": "Answer with one well-formed XML document only: no other text, no code fence, no document type.",
        "markdown": "Answer in Markdown.",
        "text": "Answer in plain text, without Markdown.",
    }
)
LONGEST_QUOTE = 20_000
"""Characters of a failed answer that are shown to the model again."""


def with_contract(payload: Mapping[str, Any], contract: OutputContract, *, native: bool) -> dict[str, Any]:
    """The payload that also asks for the shape; `native` says whether the offer knows structured output."""
    asked = dict(payload)
    if contract.max_tokens is not None:
        _limit(asked, contract.max_tokens)
    wanted = native_response_format(contract) if native else None
    if wanted is not None:
        asked["response_format"] = wanted
    elif (words := instruction(contract)) is not None:
        asked["messages"] = _instructed(asked.get("messages"), words)
    return asked


def native_response_format(contract: OutputContract) -> dict[str, Any] | None:
    """OpenAI's `response_format`; None where it cannot say what the contract wants."""
    if contract.type not in (None, "json"):
        return None
    if contract.schema is None or contract.schema is True:
        return {"type": "json_object"} if contract.type == "json" else None
    schema = contract.schema
    if schema is False or schema.get("type") != "object":
        return None  # providers want an object at the top
    holder = {"name": "output", "schema": schema} | ({"strict": True} if is_strict(schema) else {})
    return {"type": "json_schema", "json_schema": holder}


def is_strict(schema: object, depth: int = 0) -> bool:
    """Every object in it is closed and all its properties are required: what OpenAI's strict mode insists on."""
    if isinstance(schema, list):
        return all(is_strict(each, depth + 1) for each in schema)
    if not isinstance(schema, dict) or depth > 100:
        return depth <= 100
    if schema.get("type") == "object" or "properties" in schema:
        named = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(named):
            return False
    return all(is_strict(each, depth + 1) for name, each in schema.items() if name not in ("enum", "const", "default"))


def instruction(contract: OutputContract) -> str | None:
    """The same in words, for providers without structured output."""
    kind = contract.type or ("json" if contract.schema is not None else None)
    if kind is None:
        return None
    if kind == "json" and isinstance(contract.schema, Mapping):
        return JSON + FITTING + msgspec.json.encode(contract.schema).decode()
    return INSTRUCTIONS[kind]


def repaired(payload: Mapping[str, Any], said: str, mismatch: Mismatch) -> dict[str, Any]:
    """The payload that shows the model its answer and what is wrong with it."""
    words = (
        f"This answer does not have the required shape ({mismatch}). Answer again, whole and corrected, nothing else."
    )
    messages = payload.get("messages")
    turns = list(messages) if isinstance(messages, list | tuple) else []
    if said.strip():
        turns.append({"role": "assistant", "content": said[:LONGEST_QUOTE]})
    return {**payload, "messages": [*turns, {"role": "user", "content": words}]}


def _limit(asked: dict[str, Any], most: int) -> None:
    name = "max_completion_tokens" if asked.get("max_completion_tokens") is not None else "max_tokens"
    given = asked.get(name)
    asked[name] = min(given, most) if isinstance(given, int) else most


SYSTEM = ("system", "developer")


def _instructed(messages: Any, words: str) -> list[Any]:
    """The words stand at the end of the first system message, or before all others."""
    turns = list(messages) if isinstance(messages, list | tuple) else []
    first = turns[0] if turns and isinstance(turns[0], dict) else {}
    content = first.get("content")
    if first.get("role") not in SYSTEM or not isinstance(content, str | list):
        return [{"role": "system", "content": words}, *turns]
    told = f"{content}\n\n{words}" if isinstance(content, str) else [*content, {"type": "text", "text": words}]
    return [{**first, "content": told}, *turns[1:]]
