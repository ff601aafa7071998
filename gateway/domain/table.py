"""What can be called and for how much: providers, models, offers, and the other names they answer to."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from gateway.secret import Secret

Strategy = Literal["cost", "latency", "availability", "round-robin"]
Sticky = Literal["request", "key", "round-robin"]


class Timeouts(Struct, frozen=True, kw_only=True):
    """How long each phase of one attempt may take, in seconds."""

    connect_s: float = 2.0
    first_byte_s: float = 60.0
    idle_s: float = 30.0
    total_s: float = 600.0


class Tls(Struct, frozen=True, kw_only=True):
    """Files that change whom we trust and who we are; verification itself is never off."""

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None


class Provider(Struct, frozen=True, kw_only=True):
    """A place to call and how it speaks."""

    name: str
    dialect: str
    base_url: str
    api_key: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    options: Mapping[str, Secret]
    """Settings only this dialect knows (region, api_version, …), each named in `dialect_facts`."""
    labels: Mapping[str, str]
    timeouts: Timeouts = Timeouts()
    max_concurrency: int = 200
    enabled: bool = True
    allow_private: bool = False
    proxy: str | None = None
    tls: Tls = Tls()
    identity: str = ""
    """Digest of all that a connection depends on; equal identities share connections over reloads."""

    def __repr__(self) -> str:
        """A proxy's URL may hold a password."""
        return f"Provider({self.name!r}, {self.dialect!r}, enabled={self.enabled})"


class PriceTier(Struct, frozen=True, kw_only=True, gc=False):
    """The prices of a request whose prompt is longer than `tokens`."""

    tokens: int
    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None


class Price(Struct, frozen=True, kw_only=True, gc=False):
    """USD per million tokens; `request` is USD per call. A bucket without a price costs as `input` or `output` does."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    reasoning: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    image: float | None = None
    request: float = 0.0
    above: PriceTier | None = None


class Offer(Struct, frozen=True, kw_only=True, gc=False):
    """One model at one provider for one price: what routing chooses between."""

    name: str
    """`provider/model`, unique in a table."""
    model: str
    provider: str
    id: str
    """What the provider calls the model."""
    price: Price | None
    """None only where the file says `unpriced: true`."""
    share: float = 1.0
    """Weight in a round-robin rotation (the offer's `weight:`)."""
    weight: float = 0.0
    """Capability of the model, 0 to 10."""
    context_window: int = 0
    """0 where the file does not say."""
    max_output_tokens: int = 0
    capabilities: frozenset[str] = frozenset()
    via_chat: bool = False
    """Serves `/v1/completions` through its chat endpoint."""


class Model(Struct, frozen=True, kw_only=True, gc=False):
    """A model as applications name it, with the offers that serve it."""

    name: str
    weight: float
    context_window: int
    max_output_tokens: int
    capabilities: frozenset[str]
    enabled: bool
    via_chat: bool
    retires_on: str | None
    offers: tuple[Offer, ...]


class Plain(Struct, frozen=True, kw_only=True):
    """Another name for one model (or for another alias)."""

    target: str


class Share(Struct, frozen=True, kw_only=True):
    model: str
    weight: float


class Split(Struct, frozen=True, kw_only=True):
    """A weighted set: each caller gets one of them."""

    shares: tuple[Share, ...]
    sticky_by: Sticky


class Tier(Struct, frozen=True, kw_only=True):
    """A set of models, ordered by a strategy, or as written."""

    models: tuple[str, ...]
    strategy: Strategy | None
    ordered: bool


class Alias(Struct, frozen=True, kw_only=True):
    name: str
    meaning: Plain | Split | Tier
    enabled: bool = True


class Table(Struct, frozen=True, kw_only=True, weakref=True):
    """Everything a name can lead to."""

    providers: Mapping[str, Provider]
    models: Mapping[str, Model]
    offers: Mapping[str, Offer]
    """By `provider/model`, and by `provider/id` for the ids used upstream."""
    aliases: Mapping[str, Alias]
    fallbacks: Mapping[str, tuple[str, ...]]
    wildcard_models: tuple[str, ...]
    cheapest_first: tuple[Offer, ...]
    """Every offer, enabled or not, by the sum of its list prices and then its name; unpriced ones last."""
