"""One caller at the door."""

from msgspec import Struct

from gateway.domain.key import Key
from gateway.domain.snapshot import Snapshot


class Visit(Struct, frozen=True):
    """The snapshot they will see to the end, their key, their request id, and when they came."""

    snapshot: Snapshot
    key: Key | None
    ulid: str
    """Lower case; `req-` and `chatcmpl-th-` are put before it."""
    started: float
    """Monotonic seconds."""
    started_unix: float
    client_id: str | None = None
    """The caller's own `X-Request-Id`, if it is well-formed."""
    peer: str = ""
    wait_s: float | None = None
    """Where too many unknown keys came from this peer: seconds until another may be tried."""
