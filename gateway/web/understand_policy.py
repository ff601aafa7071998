"""The envelope of `POST /v1/chat` becomes an ask: payload, policy and output contract, checked in this order."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.domain.ask import Ask, OutputContract, Policy
from gateway.domain.snapshot import Snapshot
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.output.schema import check_schema
from gateway.routing.estimate import at_least_hint, input_tokens
from gateway.web.fields import CONTROL_FIELDS, convert_checked
from gateway.web.understand_chat import ChatBody, check_chat, features_of

OUTPUT_TYPES = ("json", "markdown", "text", "xml")
MAX_META_BYTES = 16 * 1024
MAX_HINT_TOKENS = 100_000_000


def understand_policy(visit: Visit, headers: Mapping[bytes, bytes], fields: dict[str, Any]) -> Ask:  # noqa: ARG001
    """The ask of `POST /v1/chat`; unknown keys of the envelope are ignored."""
    request = _object(fields, "request")
    if not isinstance(request.get("messages"), list) or not request["messages"]:
        raise messages_required(fields)
    parameters = _parameters(request)
    payload = {**parameters, "messages": request["messages"]}
    body = convert_checked(payload, ChatBody)
    check_chat(body, payload, visit.snapshot.defaults.max_choices)
    hint_tokens = _hint_tokens(request)
    policy = read_policy(visit.snapshot, fields, _hint(request))
    output = read_output(fields, request)
    stream = _stream(request)
    if stream:
        payload["stream"] = True
    limits = [limit for limit in (body.max_completion_tokens or body.max_tokens, output and output.max_tokens) if limit]
    if output is not None and output.max_tokens is not None:
        payload["max_tokens"] = min(limits)
        payload.pop("max_completion_tokens", None)
    return Ask(
        endpoint="chat",
        surface="policy",
        name=policy.hint,
        payload=payload,
        request_id=visit.ulid,
        key=visit.key,
        policy=policy,
        output=output,
        features=features_of(body),
        input_tokens=at_least_hint(input_tokens(payload), hint_tokens),
        output_tokens=min(limits) if limits else None,
        choices=body.n or 1,
        stream=stream,
        meta=_meta(request),
    )


def messages_required(fields: Mapping[str, Any]) -> RequestError:
    """The text is a promise; where the messages belong stands beside it."""
    hint = 'send `{"request": {"messages": [{"role": "user", "content": "…"}]}}`'
    if "messages" in fields:
        hint = f"`messages` belongs into `request`: {hint}; plain OpenAI bodies go to /v1/chat/completions"
    facts = {"param": "request.messages", "hint": hint}
    return RequestError("bad_request", "messages_required", "messages required", param="request.messages", facts=facts)


def read_policy(snapshot: Snapshot, fields: Mapping[str, Any], hint: str | None) -> Policy:
    """The three bounds in their ranges; absent or 0 means the configured default, for the weight 0."""
    given = _object(fields, "policy")
    defaults = snapshot.defaults
    return Policy(
        mode=_mode(snapshot, given, _object(fields, "capabilities")),
        max_budget_usd=_number(given, "max_budget_usd", 100) or defaults.max_budget_usd,
        max_latency_ms=int(_number(given, "max_latency_ms", 300_000)) or defaults.max_latency_ms,
        min_weight=_number(given, "min_weight", 10),
        hint=hint,
    )


def _mode(snapshot: Snapshot, given: Mapping[str, Any], capabilities: Mapping[str, Any]) -> str:
    routing = snapshot.routing
    mode = given.get("mode")
    if mode is None or mode == "":
        for capability, implied in routing.capability_modes.items():
            if capabilities.get(capability) is True:
                return implied
        return snapshot.defaults.mode
    if mode == "thompson" or mode in routing.modes:
        return str(mode)
    names = ", ".join(sorted({*routing.modes, "thompson"}))
    raise RequestError("bad_request", "invalid_value", f"mode must be one of {names}", param="policy.mode")


def _number(given: Mapping[str, Any], name: str, high: int) -> float:
    value = given.get(name)
    if value is None:
        return 0
    if type(value) not in (int, float) or not 0 <= value <= high:
        raise RequestError(
            "bad_request", "invalid_value", f"{name} must be between 0 and {high}", param=f"policy.{name}"
        )
    return float(value)


def read_output(fields: Mapping[str, Any], request: Mapping[str, Any]) -> OutputContract | None:
    """The output contract, its schema already judged safe; None where nothing is asked for."""
    given = _object(fields, "output_format")
    kind = given.get("type")
    if kind is not None and kind not in OUTPUT_TYPES:
        raise RequestError(
            "bad_request",
            "invalid_value",
            f"output_format.type must be one of {', '.join(OUTPUT_TYPES)}",
            param="output_format.type",
        )
    where, schema = ("output_format.schema", given.get("schema"))
    if schema in (None, ""):
        where, schema = ("request.output_schema", request.get("output_schema"))
    limit = given.get("max_tokens")
    if limit is not None and (type(limit) is not int or limit < 0):
        raise RequestError(
            "bad_request",
            "invalid_value",
            "output_format.max_tokens must be a whole number, 1 or more",
            param="output_format.max_tokens",
        )
    strip = given.get("strip_think") is True
    if kind is None and schema in (None, "") and not limit and not strip:
        return None
    checked = None if schema in (None, "") else check_schema(schema, where)
    return OutputContract(
        type=kind or ("json" if checked is not None else None),
        schema=checked,
        strip_think=strip,
        max_tokens=limit or None,
    )


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if name == "request":
        raise messages_required(fields)
    raise RequestError("bad_request", "invalid_type", f"{name} must be an object", param=name)


def _parameters(request: Mapping[str, Any]) -> dict[str, Any]:
    given = request.get("parameters")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise RequestError(
            "bad_request", "invalid_type", "request.parameters must be an object", param="request.parameters"
        )
    for name in sorted(CONTROL_FIELDS & given.keys()):
        raise RequestError(
            "bad_request", "unknown_parameter", f"request.parameters.{name} is not a parameter", param=name
        )
    return {name: value for name, value in given.items() if name not in ENVELOPE_FIELDS and value is not None}


ENVELOPE_FIELDS = frozenset({"messages", "model", "stream", "stream_options"})
"""What the envelope itself decides; among the parameters they mean nothing."""


def _hint(request: Mapping[str, Any]) -> str | None:
    hint = request.get("model_hint")
    return hint.strip() or None if isinstance(hint, str) else None


def _hint_tokens(request: Mapping[str, Any]) -> int:
    hint = request.get("estimated_input_tokens")
    if hint is None:
        return 0
    if type(hint) is not int or not 0 <= hint <= MAX_HINT_TOKENS:
        raise RequestError(
            "bad_request",
            "invalid_value",
            f"estimated_input_tokens must be between 0 and {MAX_HINT_TOKENS}",
            param="request.estimated_input_tokens",
        )
    return hint


def _stream(request: Mapping[str, Any]) -> bool:
    stream = request.get("stream")
    if stream is None or isinstance(stream, bool):
        return stream is True
    raise RequestError("bad_request", "invalid_type", "stream must be true or false", param="request.stream")


def _meta(request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    meta = request.get("meta")
    if meta is None:
        return None
    if not isinstance(meta, dict):
        raise RequestError("bad_request", "invalid_type", "meta must be an object", param="request.meta")
    if len(msgspec.json.encode(meta)) > MAX_META_BYTES:
        raise RequestError("bad_request", "too_long", f"meta is over {MAX_META_BYTES} bytes", param="request.meta")
    return meta
