"""What is supposed, as a caller would send it: a body and its headers."""

from typing import Any

from gateway.config.shape.proving import TrialAsk
from gateway.flow.suppose import body_of, is_policy
from gateway.routing.estimate import input_tokens

WORD = "word "
ROUNDS = 4


def body_for(said: TrialAsk) -> dict[str, Any]:
    """A prompt of about the supposed length is made of one word over and over."""
    body = _lengthened(body_of(said), said.input_tokens or 0)
    if not is_policy(said):
        return body
    body.pop("model", None)
    request: dict[str, Any] = {"messages": body.pop("messages"), "stream": body.pop("stream", False)}
    hint = said.hint or said.model
    request |= {"model_hint": hint} if hint is not None else {}
    request |= {"estimated_input_tokens": said.input_tokens} if said.input_tokens else {}
    bounds = {
        "mode": said.mode,
        "max_budget_usd": said.max_budget_usd,
        "max_latency_ms": said.max_latency_ms,
        "min_weight": said.min_weight,
    }
    policy = {name: value for name, value in bounds.items() if value is not None}
    return {"request": request | {"parameters": body}, "policy": policy}


def headers_for(said: TrialAsk) -> dict[str, str]:
    headers: dict[str, str] = {}
    if said.strategy is not None:
        headers["X-Inferoute-Strategy"] = said.strategy
    if said.fallback is not None:
        headers["X-Inferoute-Fallback"] = ",".join(said.fallback)
    return headers


def _lengthened(body: dict[str, Any], tokens: int) -> dict[str, Any]:
    words = tokens
    for _ in range(ROUNDS):
        longer = _with_text(body, WORD * max(1, words))
        estimate = input_tokens(longer)
        if estimate == tokens or tokens <= 0:
            break
        words = round(words * tokens / estimate)
    return longer if tokens > input_tokens(body) else body


def _with_text(body: dict[str, Any], text: str) -> dict[str, Any]:
    for field in ("prompt", "input"):
        if field in body:
            return body | {field: text}
    (message,) = body["messages"]
    content = message["content"]
    new = text if isinstance(content, str) else [{"type": "text", "text": text}, *content[1:]]
    return body | {"messages": [message | {"content": new}]}
