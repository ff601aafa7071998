"""One request in our words."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from gateway.domain.key import Key
from gateway.domain.moment import EMPTY
from gateway.domain.table import Strategy

Endpoint = Literal["chat", "completions", "embeddings"]
Surface = Literal["openai", "policy", "messages", "responses"]


class Policy(Struct, frozen=True, kw_only=True):
    """What a caller of `/v1/chat` allows; the three bounds are hard."""

    mode: str
    max_budget_usd: float
    max_latency_ms: int
    min_weight: float
    hint: str | None = None


class OutputContract(Struct, frozen=True, kw_only=True):
    """The shape the caller wants the text in."""

    type: Literal["json", "markdown", "text", "xml"] | None = None
    schema: Mapping[str, Any] | bool | None = None
    strip_think: bool = False
    max_tokens: int | None = None


class Ask(Struct, frozen=True, kw_only=True):
    """What is wanted, by whom, within which bounds."""

    endpoint: Endpoint
    """Which capability serves it."""
    surface: Surface = "openai"
    """In whose words the caller spoke; the payload is OpenAI's in any case."""
    name: str | None
    """The model as the caller wrote it; None where it was left out."""
    payload: Mapping[str, Any]
    """The body in OpenAI's words, decoded once and never changed."""
    request_id: str
    said: Mapping[str, Any] = EMPTY
    """The body as the caller wrote it, where those were not OpenAI's words for a chat completion."""
    left_out: tuple[str, ...] = ()
    """Fields of it that have no counterpart in the payload, where the files allow fields to be dropped."""
    key: Key | None = None
    strategy: Strategy | None = None
    fallback: tuple[str, ...] | None = None
    """The caller's own chain; None means the configuration's."""
    policy: Policy | None = None
    output: OutputContract | None = None
    features: frozenset[str] = frozenset()
    """Capabilities beyond the endpoint that the offer must have: tools, vision, audio, json_schema, dimensions, …"""
    input_tokens: int = 0
    """Our estimate, never below the caller's hint."""
    output_tokens: int | None = None
    """The most the caller asked for, per choice."""
    choices: int = 1
    texts_only: bool = False
    """Every message is a role that all providers know and a text, nothing else; False where nobody looked."""
    stream: bool = False
    include_usage: bool = False
    """The caller of a stream wants the usage chunk."""
    meta: Mapping[str, Any] | None = None
    unsupported: Mapping[str, tuple[str, ...] | None] = EMPTY
    """By a provider's name: the fields that its dialect cannot express, or None where that depends on the model, which
    is then found by the offer's name. It answers for every name; empty if the dialects were not asked."""
