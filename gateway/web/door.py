"""The outermost wall: what no route should have to look at is turned away here, before any routing."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from gateway.errors import RequestError
from gateway.web.forwarded import caller_behind

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Refuse = Callable[[Scope, Receive, Send, RequestError], Awaitable[None]]

MAX_HEADERS = 128
MAX_HEADER_BYTES = 64 * 1024
MAX_TARGET_BYTES = 8 * 1024

HEADERS = "tokenhub.headers"
"""Where the door leaves the headers, by lower-case name, for whoever comes next."""

ONCE = frozenset({b"host", b"authorization", b"content-length", b"content-type", b"x-api-key"})


class Door:
    """Checks Host, target and header sizes; a request that passes carries its headers as one mapping."""

    def __init__(self, app: App, refuse: Refuse, trusted_proxies: Callable[[], tuple[str, ...]] = tuple) -> None:
        self._app = app
        self._refuse = refuse
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                scope[HEADERS] = read_headers(scope["headers"])
                check_target(scope)
                if trusted := self._trusted_proxies():
                    see_through(scope, trusted)
            except RequestError as error:
                scope.setdefault(HEADERS, {})
                await self._refuse(scope, receive, send, error)
                return
        await self._app(scope, receive, send)


def read_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """One value a name, the last one of several; names that must be single are refused twice."""
    headers: dict[bytes, bytes] = {}
    size = count = 0
    for name, value in pairs:
        count += 1
        size += len(name) + len(value)
        if name in headers and name in ONCE:
            raise RequestError("bad_request", "duplicate_header", f"The header `{name.decode('latin-1')}` came twice.")
        headers[name] = value
    if count > MAX_HEADERS or size > MAX_HEADER_BYTES:
        limit = f"{MAX_HEADERS} headers and {MAX_HEADER_BYTES} bytes"
        raise RequestError("headers_too_large", "headers_too_large", f"A request may have {limit} in its head.")
    host = headers.get(b"host")
    if host is None or not host or b"/" in host or b"?" in host or b"#" in host or b"@" in host or b" " in host:
        raise RequestError("bad_request", "invalid_host", "A request needs exactly one well-formed Host header.")
    return headers


def check_target(scope: Scope) -> None:
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
        raise RequestError("headers_too_large", "headers_too_large", f"The target is over {MAX_TARGET_BYTES} bytes.")


def see_through(scope: Scope, trusted: tuple[str, ...]) -> None:
    """From here on the client is the one behind our own proxies."""
    client = scope.get("client")
    if client:
        scope["client"] = (caller_behind(client[0], scope[HEADERS].get(b"x-forwarded-for"), trusted), client[1])
