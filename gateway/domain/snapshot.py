"""What runs: one frozen value with everything a request may need to know of the files."""

from collections.abc import Mapping

from msgspec import Struct

from gateway.domain.key import Key
from gateway.domain.settings import Alerts, Canary, Defaults, Records, Reload, Routing, Server, Storage
from gateway.domain.table import Table


class Snapshot(Struct, frozen=True, kw_only=True, weakref=True):
    """Built from zero, swapped as one, never patched."""

    digest: str
    """SHA-256 of the merged configuration, in hex."""
    short_digest: str
    """As much of it as is told with each request."""
    table: Table
    keys: Mapping[str, Key]
    """By name."""
    keys_by_digest: Mapping[str, Key]
    """By hex SHA-256 of the secret."""
    server: Server
    storage: Storage
    defaults: Defaults
    routing: Routing
    alerts: Alerts = Alerts()
    records: Records = Records()
    reload: Reload = Reload()
    canary: Canary | None = None
