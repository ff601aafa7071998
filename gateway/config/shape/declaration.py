"""A whole configuration: the top level of a file."""

from typing import Annotated, Literal

from msgspec import Meta, field

from gateway.config.shape.access import Key, Policy
from gateway.config.shape.offering import Model, PlainAlias, Provider, SplitAlias, TierAlias
from gateway.config.shape.process import Alerts, Canary, Defaults, Records, Reload, Server
from gateway.config.shape.proving import Trial
from gateway.config.shape.routing import Routing
from gateway.config.shape.words import FilePattern, Label, Name, Section, Sync, Text, ToName, ToTarget

Alias = ToTarget | PlainAlias | SplitAlias | TierAlias


class Declaration(Section, frozen=True):
    """What people wrote: providers, models, their other names, who may call, and how the process behaves."""

    version: Literal[1] = 1
    """Version of this language."""
    include: tuple[FilePattern, ...] = ()
    """Files merged below this one, relative to it. For example `catalog/*.yaml`."""
    overlay: tuple[FilePattern, ...] = ()
    """Included files that may override other included files. For example `overlays/prod.yaml`."""
    allow_inline_secrets: bool = False
    """Permits credentials in plain text."""
    server: Server = Server()
    """Where the process listens and how much it takes on."""
    state: Text = "memory://"
    """Counters shared by workers and replicas: `memory://` or Redis. For example `redis://redis.internal:6379/0`."""
    ledger: Text = "sqlite://ledger.db"
    """Records of requests: SQLite (relative to `data_dir`, or absolute with three slashes) or PostgreSQL.
    For example `postgresql://ledger.internal/tokenhub`."""
    data_dir: Text | None = None
    """Journal, last good configuration, embedded stores; `$TOKENHUB_DATA_DIR` unless said, else `./.tokenhub`.
    For example `/var/lib/tokenhub`."""
    ledger_sync: Sync = "50ms"
    """How much of the ledger a power cut may cost; `always` syncs each record."""
    defaults: Defaults = Defaults()
    """What holds for a request that does not say."""
    providers: dict[Label, Provider] = field(default_factory=dict)
    """Places to call, by name."""
    models: dict[Name, Model] = field(default_factory=dict)
    """Models as applications name them."""
    aliases: dict[Name, Alias] = field(default_factory=dict)
    """Other names: for one model, for a weighted split, for a tier. For example `{smart: gpt-4o}`."""
    fallbacks: dict[Name, Annotated[tuple[ToTarget, ...], Meta(min_length=1, max_length=50)]] = field(
        default_factory=dict
    )
    """Who steps in, in order, when a model is unavailable. For example `{gpt-4o: [claude-3-5-sonnet]}`."""
    wildcard_models: Annotated[tuple[ToName, ...], Meta(max_length=50)] = ()
    """The ladder of `*`: tried strictly from the top."""
    routing: Routing = Routing()
    """How offers are chosen."""
    keys: tuple[Key, ...] = ()
    """Who may call."""
    policies: tuple[Policy, ...] = ()
    """Promises about names and the providers they reach."""
    alerts: Alerts = Alerts()
    """Who is told when a cap comes near."""
    records: Records = Records()
    """What is kept of each request."""
    reload: Reload = Reload()
    """How changes of the files take effect."""
    canary: Canary | None = None
    """A candidate that gets a share of the requests."""
    tests: tuple[Trial, ...] = ()
    """Routing tests."""
