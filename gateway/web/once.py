"""A request that is sent again under its `Idempotency-Key` hears the first answer again; whole answers only."""

from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.replay import Name, Replays, Told
from gateway.web.answer import CONFIG
from gateway.web.head import Lines, lines_of, pairs_of

HEADER = b"idempotency-key"
REPLAYED = frozenset({"chat.completions", "chat", "messages", "responses"})
"""Endpoints whose answers can be repeated. A stream never is: its head may be gone when it breaks."""

AGAIN = lines_of([(b"idempotent-replayed", b"true")])


class Once:
    """One use of one key: `told` is there if it was answered before, else `finish` or `close` ends it."""

    __slots__ = ("_name", "_replays", "told")

    def __init__(self, replays: Replays, name: Name, body: bytes, now: float) -> None:
        self._replays = replays
        self._name = name
        self.told = replays.begin(name, body, now)

    def finish(self, status: int, lines: Lines, body: bytes) -> None:
        """But for its configuration, which is that of whoever hears it."""
        headers = tuple(pair for pair in pairs_of(lines) if pair[0] != CONFIG)
        self._replays.finish(self._name, Told(status, headers, body))

    def close(self) -> None:
        """Whatever was not finished may be sent again."""
        self._replays.abandon(self._name)


def once_for(replays: Replays, visit: Visit, endpoint: str, key: bytes, body: bytes) -> Once:
    """The key is the caller's own: another account or another route never hits it."""
    server = visit.snapshot.server
    if not replays.alone or server.replicas > 1:
        raise RequestError(
            "bad_request",
            "idempotency_unavailable",
            "An Idempotency-Key needs a gateway of one process: this one has several, and each has its own memory.",
            param="Idempotency-Key",
        )
    account = visit.key.name if visit.key is not None else ""
    return Once(replays, (account, endpoint, key.decode("latin-1")), body, visit.started)
