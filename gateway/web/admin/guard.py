"""Who may come in here: the admin token, or a key with the scope `admin`; an empty token lets nobody in."""

import hashlib
import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gateway.errors import RequestError
from gateway.flow.enter import find_key, too_many_unknown_keys
from gateway.flow.gateway import Gateway
from gateway.flow.rights import scope_missing
from gateway.web.door import HEADERS
from gateway.web.wishes import token_of

WHO = "tokenhub.admin"
"""Where the guard leaves the name of who came in, for the audit."""


def admin_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    gateway: Gateway = connection.app.state["gateway"]
    headers: dict[bytes, bytes] = connection.scope[HEADERS]  # type: ignore[literal-required]
    if b"origin" in headers:
        raise RequestError("forbidden", "cross_origin", "This API does not answer pages of other origins.")
    client = connection.scope["client"]
    who = name_of(gateway, token_of(headers), client[0] if client else "")
    connection.scope[WHO] = who  # type: ignore[literal-required]


def name_of(gateway: Gateway, token: bytes | None, peer: str = "") -> str:
    """`admin-token`, or `key:<name>`; anybody else is turned away."""
    if token is None:
        raise RequestError("unauthenticated", "missing_api_key", "Send `Authorization: Bearer <admin token>`.")
    secret = gateway.admin_token.reveal().encode() if gateway.admin_token is not None else b""
    if secret and token and hmac.compare_digest(hashlib.sha256(token).digest(), hashlib.sha256(secret).digest()):
        return "admin-token"
    key = find_key(gateway.live.current, token, gateway.clock.unix())
    if key is None:
        wait_s = gateway.strangers.wait_s(peer, gateway.clock.monotonic())
        if wait_s is not None:
            raise too_many_unknown_keys(wait_s)
        raise RequestError("unauthenticated", "invalid_api_key", "This token is not known, or it is no longer valid.")
    if "admin" not in key.scopes:
        raise scope_missing("admin")
    return f"key:{key.name}"
