"""Take on a role at AWS's Security Token Service: the call, and the keys it brings."""

import re
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urlencode

from gateway.dialects.bedrock.credentials import Role
from gateway.dialects.bedrock.errors import understood
from gateway.dialects.bedrock.sigv4 import Keys, Scope, sign
from gateway.dialects.failures import garbled, read_json
from gateway.domain.call import Call, Headers, Reply
from gateway.domain.trail import Failure

VERSION = "2011-06-15"
LIFETIME_S = 3600.0
FORM: Headers = (
    ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
    ("accept", "application/json"),
)


def role_call(role: Role, *, url: str, region: str, now_unix: float) -> Call:
    """With an identity token the call needs no signature; with keys of our own it is signed by them."""
    fields = {"Version": VERSION, "RoleArn": role.arn, "RoleSessionName": role.session}
    if role.identity is not None:
        fields |= {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": role.identity.reveal()}
    else:
        fields |= {"Action": "AssumeRole"}
    body = urlencode(fields).encode()
    headers = FORM
    if role.keys is not None:
        headers = sign(role.keys, Scope(region=region, service="sts"), now_unix, url=url, headers=FORM, body=body)
    return Call(url=url, headers=headers, body=body)


def role_keys(reply: Reply, now_unix: float) -> tuple[Keys, float] | Failure:
    """The keys and when they expire; STS answers in XML or in JSON."""
    told = _told(reply.body)
    if reply.status != 200:
        failure = understood(told.get("Code", ""), told.get("Message", ""), reply.status, reply.headers)
        return failure if failure.kind != "bad_request" else _not_the_callers(failure)
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    if not all(told.get(name) for name in names):
        return garbled("The token service's answer holds no keys.")
    access, secret, session = (told[name] for name in names)
    keys = Keys(access_key_id=access, secret_access_key=secret, session_token=session)
    return keys, _moment(told.get("Expiration", "")) or now_unix + LIFETIME_S


def _not_the_callers(failure: Failure) -> Failure:
    """A request that STS finds wrong is our own, whatever the caller asked for."""
    return Failure(
        kind="refused",
        code="upstream_auth",
        message=failure.message,
        status=failure.status,
        blame="provider",
        same_offer=False,
    )


ELEMENT = re.compile(r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration|Code|Message)>([^<]{0,16384})</")


def _told(body: bytes) -> dict[str, str]:
    if not body.lstrip().startswith(b"{"):
        return {
            name: unescape(value).strip() for name, value in ELEMENT.findall(body[:65_536].decode("utf-8", "replace"))
        }
    found: dict[str, str] = {}
    _collect(read_json(body), found, depth=0)
    return found


def _collect(value: Any, found: dict[str, str], depth: int) -> None:
    for name, inner in value.items() if isinstance(value, dict) and depth < 6 else ():
        if isinstance(inner, dict):
            _collect(inner, found, depth + 1)
        elif isinstance(inner, str | int | float):
            found.setdefault(name, str(inner))


def _moment(text: str) -> float | None:
    """Seconds since 1970, or a date."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
