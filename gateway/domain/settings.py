"""How the process and the routing behave: everything in the files that is neither an offer nor a key."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from gateway.domain.table import Strategy
from gateway.secret import Secret


class Server(Struct, frozen=True, kw_only=True):
    """Settings of the process; a change of these takes effect at the next start."""

    listen: str = "127.0.0.1:8080"
    admin_listen: str | None = None
    workers: int = 1
    replicas: int = 1
    max_body: int = 10 * 1024 * 1024
    body_timeout_s: float = 30.0
    max_in_flight: int = 2000
    drain_delay_s: float = 5.0
    shutdown_grace_s: float = 600.0
    trusted_proxies: tuple[str, ...] = ()


class Storage(Struct, frozen=True, kw_only=True):
    """Where counters and records live."""

    state: Secret
    """`memory://` or `redis://…`; a URL may carry a password."""
    ledger: Secret
    """`sqlite://…` or `postgresql://…`."""
    data_dir: str
    ledger_sync_s: float = 0.05
    """0 means every record is synced before it is acknowledged."""


class Defaults(Struct, frozen=True, kw_only=True):
    strategy: Strategy = "cost"
    mode: str = "normal"
    max_budget_usd: float = 0.05
    max_latency_ms: int = 20000
    default_model: str | None = None
    unsupported_parameters: Literal["refuse", "drop"] = "refuse"
    over_limit_status: Literal[402, 429] = 429
    max_fallbacks: int = 5
    max_choices: int = 16


class Profile(Struct, frozen=True, kw_only=True):
    """The weights of a mode."""

    cost: float
    latency: float
    failure: float
    capability: float


class Thompson(Struct, frozen=True, kw_only=True):
    half_life_s: float = 6 * 3600.0
    seed: int | None = None


class Probe(Struct, frozen=True, kw_only=True):
    every_s: float = 30.0


class HealthRules(Struct, frozen=True, kw_only=True):
    """When an offer's circuit opens, and for how long."""

    window_s: float = 60.0
    open_after: int = 5
    open_ratio: float = 0.5
    min_requests: int = 20
    open_for_s: float = 30.0
    half_open: int = 1
    open_offers: Literal["last", "out"] = "last"
    """Whether offers with an open circuit are tried last or not at all."""
    probe: Probe | None = None


class Retries(Struct, frozen=True, kw_only=True):
    per_offer: int = 1
    max_attempts: int = 3
    backoff_s: float = 0.1
    budget: float = 0.1
    """Share of requests that may be retried on the same offer; a floor of 3 a second is added."""


class StructuredOutput(Struct, frozen=True, kw_only=True):
    repairs: int = 1


class Routing(Struct, frozen=True, kw_only=True):
    modes: Mapping[str, Profile]
    capability_modes: Mapping[str, str]
    thompson: Thompson = Thompson()
    health: HealthRules = HealthRules()
    retries: Retries = Retries()
    structured_output: StructuredOutput = StructuredOutput()


class Webhook(Struct, frozen=True, kw_only=True):
    url: str
    secret: Secret | None = None

    def __repr__(self) -> str:
        """Many services put a credential into the path."""
        return "Webhook(***)"


class Alerts(Struct, frozen=True, kw_only=True):
    """At which shares of a monthly cap somebody is told."""

    shares: tuple[float, ...] = (0.8, 1.0)
    webhook: Webhook | None = None


class Records(Struct, frozen=True, kw_only=True):
    """What is kept of each request."""

    keep_s: float = 90 * 86400.0
    bodies: bool = False
    bodies_keep_s: float = 7 * 86400.0


class Canary(Struct, frozen=True, kw_only=True):
    """A candidate configuration that gets a share of the requests before it replaces this one."""

    config: str
    share: float
    sticky_by: Literal["key", "request"] = "key"
    window_s: float = 600.0
    min_requests: int = 100
    max_error_increase: float = 0.02
    max_latency_ratio: float = 1.5
    max_cost_ratio: float = 1.2


class Reload(Struct, frozen=True, kw_only=True):
    """How changes of the files take effect."""

    poll_s: float = 5.0
    max_shrink: float = 0.5
    """Refuse a reload that loses more than this share of the offers."""
    keep_last_good: bool = False
    """Start on the last good configuration when the files are broken."""
    run_tests: bool = True
    """Refuse a reload whose own `tests:` fail."""
