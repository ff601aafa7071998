"""How offers are chosen: modes, circuits, retries, dice."""

from typing import Annotated, Literal

from msgspec import Meta, field

from gateway.config.shape.words import Duration, Label, Section, ToMode

Part = Annotated[float, Meta(ge=0, le=1000)]
Ratio = Annotated[float, Meta(ge=0, le=1)]


class Mode(Section, frozen=True):
    """The weights of a mode. Lower scores win; what is left out weighs nothing."""

    cost: Part = 0.0
    """How much a high price counts against an offer."""
    latency: Part = 0.0
    """How much slowness counts against it."""
    failure: Part = 0.0
    """How much recent errors count against it."""
    capability: Part = 0.0
    """How much the model's weight counts for it."""


class Thompson(Section, frozen=True):
    """The mode `thompson`: learns from every attempt."""

    half_life: Duration = "6h"
    """How fast old rewards fade."""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    """Makes the dice repeatable, for tests."""


class Probe(Section, frozen=True):
    """Asks idle providers whether they are back."""

    every: Duration = "30s"
    """How often."""


class Health(Section, frozen=True):
    """When the circuit of an offer opens, and for how long."""

    window: Duration = "60s"
    """How far back attempts are counted."""
    open_after: Annotated[int, Meta(ge=1, le=10_000)] = 5
    """Failures in a row that open it."""
    open_ratio: Annotated[float, Meta(gt=0, le=1)] = 0.5
    """Share of failures in the window that opens it."""
    min_requests: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    """Attempts in the window before the share counts."""
    open_for: Duration = "30s"
    """How long it stays open before it is tried again."""
    half_open: Annotated[int, Meta(ge=1, le=100)] = 1
    """Requests at once that try it again."""
    open_offers: Literal["last", "out"] = "last"
    """Whether offers with an open circuit are tried last or not at all."""
    probe: Probe | None = None
    """Ask providers with an open circuit of our own accord."""


class Retries(Section, frozen=True):
    """How often the same request is sent again."""

    per_offer: Annotated[int, Meta(ge=0, le=10)] = 1
    """Retries on the same offer after a transient failure."""
    max_attempts: Annotated[int, Meta(ge=1, le=50)] = 3
    """Attempts of one request in all, fallbacks included."""
    backoff: Duration = "100ms"
    """Wait before a retry; grows, with jitter."""
    budget: Ratio = 0.1
    """Share of all requests that may be retried."""


class StructuredOutput(Section, frozen=True):
    """Answers that must match a schema."""

    repairs: Annotated[int, Meta(ge=0, le=5)] = 1
    """How often a bad answer is sent back for repair."""


class Routing(Section, frozen=True):
    """How offers are chosen."""

    modes: dict[Label, Mode] = field(default_factory=dict)
    """Modes of `/v1/chat`, over and above `cheap`, `normal`, `high_confidence` and `planning`, which may be
    overwritten."""
    capability_modes: dict[Label, ToMode] = field(default_factory=dict)
    """Which mode a request with this capability gets; `planning` gets `planning` unless said otherwise."""
    thompson: Thompson = Thompson()
    """The mode that learns."""
    health: Health = Health()
    """When an offer's circuit opens."""
    retries: Retries = Retries()
    """How often the same request is sent again."""
    structured_output: StructuredOutput = StructuredOutput()
    """Answers that must match a schema."""
