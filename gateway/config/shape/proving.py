"""Tests that live in the configuration: given this ask at this moment, expect that route."""

from typing import Annotated

from msgspec import Meta, field

from gateway.config.shape.offering import Capability, Tokens
from gateway.config.shape.words import Duration, Instant, Name, Plain, Section, ToKey, ToMode, ToName, ToTarget
from gateway.domain.ask import Endpoint
from gateway.domain.table import Strategy

Rate = Annotated[float, Meta(ge=0, le=1)]


class TrialAsk(Section, frozen=True):
    """What is asked."""

    endpoint: Endpoint | None = None
    """Which endpoint is called; chat unless said."""
    model: Plain | None = None
    """The name as a caller would write it. For example `smart`."""
    mode: ToMode | None = None
    """Asks `/v1/chat` in this mode."""
    hint: Plain | None = None
    """The model hint of `/v1/chat`."""
    strategy: Strategy | None = None
    """The strategy header."""
    fallback: tuple[ToTarget, ...] | None = None
    """The fallback header."""
    features: tuple[Capability, ...] = ()
    """What the offer must be able to do. For example `tools`."""
    key: ToKey | None = None
    """Asked with this key; without one nothing is forbidden."""
    input_tokens: Tokens | None = None
    """Length of the prompt. For example `500`."""
    output_tokens: Tokens | None = None
    """Most tokens of the answer."""
    max_budget_usd: Annotated[float, Meta(ge=0, le=100)] | None = None
    """Budget, with `mode`."""
    max_latency_ms: Annotated[int, Meta(ge=0, le=300_000)] | None = None
    """Deadline, with `mode`."""
    min_weight: Annotated[float, Meta(ge=0, le=10)] | None = None
    """Least capability, with `mode`."""
    stream: bool = False
    """Ask for a stream."""


class TrialMoment(Section, frozen=True):
    """The world at that time; offers are named `provider/model`, and a provider's name stands for all it offers."""

    down: tuple[Name, ...] = ()
    """Providers or offers with an open circuit."""
    rate_limited: tuple[Name, ...] = ()
    """Providers or offers that asked us to stay away."""
    latency: dict[Name, Duration] = field(default_factory=dict)
    """Known median time to first byte. For example `{openai/gpt-4o: 250ms}`."""
    error_rate: dict[Name, Rate] = field(default_factory=dict)
    """Known error rate. For example `{openai/gpt-4o: 0.2}`."""
    time: Instant | None = None
    """What time it is."""


class TrialExpect(Section, frozen=True):
    """What must come out; what is left out is not looked at."""

    model: ToName | None = None
    """Served by this model."""
    provider: Name | None = None
    """Served by this provider."""
    reason: Plain | None = None
    """The routing reason. For example `routed-weight-9`."""
    then: tuple[ToTarget, ...] | None = None
    """What would be tried next, in this order: models or offers."""
    refused: dict[Name, Plain] = field(default_factory=dict)
    """Models or offers that were passed over, and the rule that did it. For example `{openai/gpt-4o: budget}`."""
    error: Plain | None = None
    """The request is refused with this code. For example `model_not_found`."""
    max_cost_usd: Annotated[float, Meta(ge=0)] | None = None
    """The estimate is at most this. For example `0.02`."""
    headers: dict[Plain, Plain] = field(default_factory=dict)
    """Response headers with these values. For example `{X-TokenHub-Model: openai/gpt-4o}`."""


class TrialCase(Section, frozen=True):
    """One row of a table of cases: overrides what the test says."""

    name: Plain | None = None
    """Told apart by this, else by its number."""
    ask: TrialAsk = TrialAsk()
    """Replaces single fields of the test's ask."""
    moment: TrialMoment = TrialMoment()
    """Replaces single fields of the test's moment."""
    expect: TrialExpect = TrialExpect()
    """Replaces single fields of the test's expectation."""


class Trial(Section, frozen=True):
    """One routing test, run by `validate-config` and before a reload is accepted."""

    name: Plain
    """A sentence that is true. For example `planning survives an OpenAI outage`."""
    ask: TrialAsk = TrialAsk()
    """What is asked."""
    moment: TrialMoment = TrialMoment()
    """The world at that time."""
    expect: TrialExpect = TrialExpect()
    """What must come out."""
    cases: Annotated[tuple[TrialCase, ...], Meta(max_length=1000)] = ()
    """Rows that override the above."""
