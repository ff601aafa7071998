"""The process: where it listens, what it remembers, how it reloads, whom it tells."""

from typing import Annotated, Literal

from msgspec import Meta

from gateway.config.shape.words import (
    Duration,
    FilePattern,
    Plain,
    SecretText,
    Section,
    Size,
    Text,
    ToMode,
    ToTarget,
)
from gateway.domain.table import Strategy

Share = Annotated[float, Meta(ge=0, le=1)]


class Server(Section, frozen=True):
    """Where the process listens and how much it takes on. A change takes effect at the next start."""

    listen: Text = "127.0.0.1:8080"
    """Address and port of the API. For example `0.0.0.0:8080` or `[::1]:8080`."""
    admin_listen: Text | None = None
    """An address of their own for `/admin` and `/metrics`. For example `127.0.0.1:9090`."""
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    """Processes that share the port."""
    replicas: Annotated[int, Meta(ge=1, le=10000)] = 1
    """How many gateways serve these files; more than one needs a shared `state`."""
    max_body: Size = "10MiB"
    """The longest request body that is read."""
    body_timeout: Duration = "30s"
    """How long a caller may take to send its body."""
    max_in_flight: Annotated[int, Meta(ge=1, le=1_000_000)] = 2000
    """Requests at once; further ones are answered 503."""
    drain_delay: Duration = "5s"
    """After a stop signal: how long new requests are still taken, while load balancers look away."""
    shutdown_grace: Duration = "10m"
    """How long open requests and streams may take to finish after that."""
    trusted_proxies: tuple[Plain, ...] = ()
    """Networks whose `X-Forwarded-For` is believed. For example `10.0.0.0/8`."""


class Defaults(Section, frozen=True):
    """What holds for a request that does not say."""

    strategy: Strategy = "cost"
    """Order of the offers of a model."""
    mode: ToMode = "normal"
    """Mode of `/v1/chat`."""
    max_budget_usd: Annotated[float, Meta(ge=0, le=100)] = 0.05
    """Budget of one request to `/v1/chat`."""
    max_latency_ms: Annotated[int, Meta(ge=0, le=300_000)] = 20000
    """Deadline of one request to `/v1/chat`."""
    default_model: ToTarget | None = None
    """Stands in for a missing `model`."""
    unsupported_parameters: Literal["refuse", "drop"] = "refuse"
    """What becomes of a request field that a provider cannot express."""
    over_limit_status: Literal[402, 429] = 429
    """Status of a request that meets a monthly or per-request cap."""
    max_fallbacks: Annotated[int, Meta(ge=0, le=50)] = 5
    """Most names in the fallback header."""
    max_choices: Annotated[int, Meta(ge=1, le=128)] = 16
    """Most choices (`n`) of one request."""
    retire_warn_days: Annotated[int, Meta(ge=0, le=3650)] = 60
    """How long before `retires_on` a model is warned about."""
    retire_error_days: Annotated[int, Meta(ge=0, le=3650)] = 14
    """How long before `retires_on` a model is an error."""


class Webhook(Section, frozen=True):
    """Where alerts are posted."""

    url: Text
    """Gets a POST for each alert. For example `https://hooks.example.com/tokenhub`."""
    secret: SecretText | None = None
    """Signs each post (HMAC-SHA256). For example `${env:ALERT_SECRET}`."""


class Alerts(Section, frozen=True):
    """Who is told when a monthly cap comes near."""

    shares: Annotated[tuple[Annotated[float, Meta(gt=0, le=10)], ...], Meta(max_length=20)] = (0.8, 1.0)
    """Shares of a cap at which somebody is told, once a month each."""
    webhook: Webhook | None = None
    """Told over and above log and metrics."""


class Records(Section, frozen=True):
    """What is kept of each request."""

    keep: Duration = "90d"
    """How long records are kept."""
    bodies: bool = False
    """Keep prompts and answers too."""
    bodies_keep: Duration = "7d"
    """How long prompts and answers are kept."""


class Reload(Section, frozen=True):
    """How changes of the files take effect."""

    poll: Duration = "5s"
    """The safety net for file systems that tell nobody of changes."""
    max_shrink: Share = 0.5
    """A reload that loses more than this share of the offers is refused; 1 allows any."""
    keep_last_good: bool = False
    """Start on the last good configuration, loudly degraded, when the files are broken."""
    run_tests: bool = True
    """A reload whose own `tests:` fail is refused."""


class Canary(Section, frozen=True):
    """A candidate configuration that gets a share of the requests before it replaces this one."""

    config: FilePattern
    """The candidate's file, relative to this one. For example `candidate.yaml`."""
    share: Share
    """Share of the requests it gets. For example `0.05`."""
    sticky_by: Literal["key", "request"] = "key"
    """Whether a key stays on its side."""
    window: Duration = "10m"
    """How long the two are compared before the verdict."""
    min_requests: Annotated[int, Meta(ge=1)] = 100
    """No verdict below this number of requests on the candidate."""
    max_error_increase: Share = 0.02
    """Rolled back when its share of failed requests is higher by more than this."""
    max_latency_ratio: Annotated[float, Meta(gt=0)] = 1.5
    """Rolled back when it is slower by more than this factor."""
    max_cost_ratio: Annotated[float, Meta(gt=0)] = 1.2
    """Rolled back when a request costs more by more than this factor."""
