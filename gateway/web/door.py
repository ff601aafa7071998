"""The outermost wall: what no route should have to look at is turned away here, before any routing."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from itertools import chain
from typing import Any, Literal, Protocol

from gateway.errors import RequestError
from gateway.state.live import Live
from gateway.web.forwarded import caller_behind
from gateway.web.head import Lines

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Refuse = Callable[[Scope, Receive, Send, RequestError], Awaitable[None]]

MAX_HEADERS = 128
MAX_HEADER_BYTES = 64 * 1024
MAX_TARGET_BYTES = 8 * 1024

OURS = "tokenhub."
HEADERS = OURS + "headers"
"""Where the door leaves the headers, by lower-case name, for whoever comes next."""
LANE = OURS + "lane"
"""Where it leaves the way on, if nothing it looked at can differ for another request with this head: the scope may come
again, with another Content-Length, and is let pass at once."""

NOT_IN_HOST = frozenset(b"/?#@ ")
ONCE = frozenset({b"host", b"authorization", b"content-length", b"content-type", b"x-api-key"})


class Line(Protocol):
    """Shorter ways to and from the caller than `receive` and `send`, which work everywhere."""

    is_line: Literal[True]

    @property
    def left(self) -> bool:
        """The caller did, while they were watched."""

    def take(self) -> bytes | None:
        """The whole body where it has arrived; None where it must be received."""

    def watch(self) -> "Line":
        """From here on the application is cancelled if the caller leaves before the answer."""

    def unwatch(self) -> None:
        """It is not, any more."""

    def whole(self, status: int, head: Lines, body: bytes) -> bool:
        """A whole response at once; False where it must be sent, because the reader has to be waited for."""

    def start(self, status: int, head: Lines) -> bool:
        """The head of a body that comes in pieces, of which nobody knows the length; False as above."""

    def push(self, data: bytes) -> bool:
        """A piece of a body that is under way; False where the next one should wait."""


def line_of(way: Receive | Send) -> Line | None:
    """Whoever `receive` and `send` belong to, if they say that they are one."""
    try:
        owner: Line = way.__self__  # type: ignore[union-attr]
        is_line = owner.is_line
    except AttributeError:
        return None
    return owner if is_line else None


class Door:
    """Checks Host, target and header sizes; a request that passes carries its headers as one mapping.

    A hot path that is written as we write it goes straight to its handler: finding it by other means costs a fifth.
    """

    def __init__(self, app: App, lanes: Mapping[str, App], refuse: Refuse, live: Live) -> None:
        self._app = app
        self._lanes = lanes
        self._refuse = refuse
        self._live = live

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        trusted = self._live.current.server.trusted_proxies
        lane: App | None = scope.get(LANE)
        if lane is not None:
            if not trusted:
                return lane(scope, receive, send)
            scope = {name: value for name, value in scope.items() if not name.startswith(OURS)}
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        try:
            scope[HEADERS] = read_headers(scope["headers"])
            check_target(scope)
            if trusted:
                see_through(scope, trusted)
        except RequestError as error:
            scope.setdefault(HEADERS, {})
            return self._refuse(scope, receive, send, error)
        lane = self._lanes.get(scope["path"])
        if lane is None:
            return self._app(scope, receive, send)
        if not trusted:
            scope[LANE] = lane
        return lane(scope, receive, send)


def read_headers(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """One value a name, the last one of several; names that must be single are refused twice."""
    headers = dict(pairs)
    if len(headers) < len(pairs):
        _check_twins(pairs)
    if len(pairs) > MAX_HEADERS or sum(map(len, chain.from_iterable(pairs))) > MAX_HEADER_BYTES:
        limit = f"{MAX_HEADERS} headers and {MAX_HEADER_BYTES} bytes"
        raise RequestError("headers_too_large", "headers_too_large", f"A request may have {limit} in its head.")
    host = headers.get(b"host")
    if not host or not NOT_IN_HOST.isdisjoint(host):
        raise RequestError("bad_request", "invalid_host", "A request needs exactly one well-formed Host header.")
    return headers


def _check_twins(pairs: Sequence[tuple[bytes, bytes]]) -> None:
    seen: set[bytes] = set()
    for name, _ in pairs:
        if name in seen and name in ONCE:
            raise RequestError("bad_request", "duplicate_header", f"The header `{name.decode('latin-1')}` came twice.")
        seen.add(name)


def check_target(scope: Scope) -> None:
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
        raise RequestError("headers_too_large", "headers_too_large", f"The target is over {MAX_TARGET_BYTES} bytes.")


def see_through(scope: Scope, trusted: tuple[str, ...]) -> None:
    """From here on the client is the one behind our own proxies."""
    client = scope.get("client")
    if client:
        scope["client"] = (caller_behind(client[0], scope[HEADERS].get(b"x-forwarded-for"), trusted), client[1])
