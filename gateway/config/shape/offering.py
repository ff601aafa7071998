"""What can be called and for how much: providers, models, offers, prices, and their other names."""

from typing import Annotated, Literal

from msgspec import Meta, field

from gateway.config.shape.words import (
    Date,
    DialectName,
    Duration,
    HeaderName,
    Label,
    Plain,
    SecretText,
    Section,
    Text,
    ToName,
    ToProvider,
    ToTarget,
)
from gateway.domain.table import Sticky, Strategy

Usd = Annotated[float, Meta(ge=0, le=1_000_000)]
Tokens = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Capability = Literal[
    "chat", "completions", "embeddings", "tools", "vision", "audio", "json_schema", "reasoning", "dimensions"
]


class Timeouts(Section, frozen=True):
    """How long each phase of one attempt may take."""

    connect: Duration = "2s"
    """Until the connection stands, TLS included."""
    first_byte: Duration = "60s"
    """Until the first byte of the answer."""
    idle: Duration = "30s"
    """Longest silence within an answer."""
    total: Duration = "10m"
    """The whole attempt."""


class Tls(Section, frozen=True):
    """Whom we trust and who we are. Verification itself is never off."""

    ca_file: Text | None = None
    """Certificates (PEM) to trust instead of the system's. For example `/etc/tokenhub/ca.pem`."""
    client_cert: Text | None = None
    """Our certificate (PEM), for providers that ask for one."""
    client_key: Text | None = None
    """File with the key of `client_cert`."""


class Provider(Section, frozen=True):
    """A place to call and how it speaks."""

    dialect: DialectName
    """How it speaks. For example `openai`, `anthropic` or `echo`."""
    base_url: Text | None = None
    """Where it lives, up to where the dialect's own paths begin; each hosted dialect has a default. For example `https://api.openai.com/v1`."""
    api_key: SecretText | None = None
    """Our credential there; a reference. For example `${env:OPENAI_API_KEY}`."""
    headers: dict[HeaderName, Text] = field(default_factory=dict)
    """Sent with every request."""
    options: dict[Plain, Text] = field(default_factory=dict)
    """Settings that only this dialect knows, such as `region` or `api_version`."""
    labels: dict[Label, Plain] = field(default_factory=dict)
    """Free marks that `policies` can require. For example `{region: eu}`."""
    timeouts: Timeouts = Timeouts()
    """How long each phase of one attempt may take."""
    max_concurrency: Annotated[int, Meta(ge=1, le=100_000)] = 200
    """Requests at once."""
    enabled: bool = True
    """Whether it is called at all."""
    allow_private: bool = False
    """Permits private and loopback addresses and plain `http`."""
    proxy: Text | None = None
    """HTTP proxy for calls to it. For example `http://proxy.example.com:3128`."""
    tls: Tls = Tls()
    """Whom we trust and who we are."""


class PriceAbove(Section, frozen=True, gc=False):
    """The prices of a request whose prompt is longer than `tokens`."""

    tokens: Tokens
    """Where this tier begins. For example `200000`."""
    input: Usd
    """USD per million input tokens."""
    output: Usd
    """USD per million output tokens."""
    cached_input: Usd | None = None
    """USD per million input tokens read from a cache."""
    cache_write: Usd | None = None
    """USD per million input tokens written to a cache."""


class Price(Section, frozen=True, gc=False):
    """USD per million tokens. What has no price of its own costs as `input` or `output` does."""

    input: Usd
    """Fresh input. For example `2.5`."""
    output: Usd
    """Output. For example `10`."""
    cached_input: Usd | None = None
    """Input read from a cache."""
    cache_write: Usd | None = None
    """Input written to a cache."""
    reasoning: Usd | None = None
    """Reasoning output."""
    audio_input: Usd | None = None
    """Audio in."""
    audio_output: Usd | None = None
    """Audio out."""
    image: Usd | None = None
    """Image in."""
    request: Usd = 0.0
    """USD for each call, over and above its tokens."""
    above: PriceAbove | None = None
    """Other prices for long prompts."""


class Offer(Section, frozen=True, gc=False):
    """One model at one provider for one price: what routing chooses between."""

    provider: ToProvider
    """Who serves it."""
    id: Text | None = None
    """What the provider calls the model; the model's own name unless said. For example `gpt-4o-2024-08-06`."""
    price: Price | None = None
    """List prices. An offer without any needs `unpriced: true`."""
    unpriced: bool = False
    """There is no price; keys with a monthly cap in USD cannot use it."""
    weight: Annotated[float, Meta(gt=0, le=1_000_000)] = 1.0
    """Its part in a round-robin rotation."""


class Model(Section, frozen=True, gc=False):
    """A model as applications name it, and who offers it."""

    offers: Annotated[tuple[Offer, ...], Meta(min_length=1, max_length=100)]
    """Where it can be had."""
    weight: Annotated[float, Meta(ge=0, le=10)] = 0.0
    """Capability, 0 to 10: what the modes weigh against cost and speed."""
    context_window: Tokens | None = None
    """Most tokens of prompt and answer together. For example `128000`."""
    max_output_tokens: Tokens | None = None
    """Most tokens of an answer; needed for `chat` and `completions`. For example `16384`."""
    capabilities: tuple[Capability, ...] = ("chat",)
    """Which endpoints it serves, and which features."""
    completions: Literal["via-chat"] | None = None
    """Serve `/v1/completions` through the chat endpoint."""
    enabled: bool = True
    """Whether it can be called."""
    retires_on: Date | None = None
    """The day its provider switches it off. For example `2027-06-30`."""


class Share(Section, frozen=True):
    """One part of a split."""

    model: ToTarget
    """Who gets this part."""
    weight: Weight
    """How much, relative to the others. For example `95`."""


class PlainAlias(Section, frozen=True, tag="plain", tag_field="kind"):
    """Another name for one model, with a switch."""

    model: ToTarget
    """What it stands for."""
    enabled: bool = True
    """A disabled alias is no name at all."""


class SplitAlias(Section, frozen=True, tag="split", tag_field="kind"):
    """A weighted set: each caller gets one of them."""

    split: Annotated[tuple[Share, ...], Meta(min_length=1, max_length=50)]
    """The parts."""
    sticky_by: Sticky = "request"
    """What stays on its part: each request alone, each key, or strict rotation."""
    enabled: bool = True
    """A disabled alias is no name at all."""


class TierAlias(Section, frozen=True, tag="tier", tag_field="kind"):
    """A set of models, ordered by a strategy."""

    tier: Annotated[tuple[ToName, ...], Meta(min_length=1, max_length=50)]
    """The members."""
    strategy: Strategy | None = None
    """How they are ordered; the default strategy unless said."""
    ordered: bool = False
    """Keep the order as written."""
    enabled: bool = True
    """A disabled alias is no name at all."""
