"""Sign a request the way AWS demands (Signature Version 4): a pure function of the request, the keys and the time."""

import hashlib
import hmac
import time
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from gateway.domain.call import Headers

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"
DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class Keys(Struct, frozen=True, kw_only=True):
    """What signs: an access key, its secret, and the session they belong to if they are temporary."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return "Keys(***)"


class Scope(Struct, frozen=True, kw_only=True):
    """Where a signature is valid."""

    region: str
    service: str


def sign(
    keys: Keys, scope: Scope, unix: float, *, url: str, headers: Headers, body: bytes, method: str = "POST"
) -> Headers:
    """The headers given, with the date, the session and the signature added; every one of them is signed."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(unix))
    credential = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    dated = (*headers, ("x-amz-date", stamp))
    if keys.session_token is not None:
        dated = (*dated, ("x-amz-security-token", keys.session_token))
    names, canonical = canonical_request(method, url, dated, body)
    text = f"{ALGORITHM}\n{stamp}\n{credential}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(keys, scope, stamp[:8]), text.encode(), "sha256").hex()
    proof = f"{ALGORITHM} Credential={keys.access_key_id}/{credential}, SignedHeaders={names}, Signature={signature}"
    return (*dated, ("authorization", proof))


def canonical_request(method: str, url: str, headers: Headers, body: bytes) -> tuple[str, str]:
    """The names of the signed headers, and the text whose digest is signed."""
    place = urlsplit(url)
    host = place.netloc.rpartition("@")[2].lower().removesuffix(DEFAULT_PORTS.get(place.scheme, "/"))
    lines = _canonical_headers((*headers, ("host", host)))
    names = ";".join(lines)
    told = "".join(f"{name}:{value}\n" for name, value in lines.items())
    digest = hashlib.sha256(body).hexdigest()
    return names, f"{method}\n{_path(place.path)}\n{_query(place.query)}\n{told}\n{names}\n{digest}"


def _canonical_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names in lower case and order, runs of spaces as one, repeated headers joined in the order they came."""
    seen: dict[str, list[str]] = {}
    for name, value in headers:
        seen.setdefault(name.lower(), []).append(" ".join(value.split()))
    return {name: ",".join(seen[name]) for name in sorted(seen)}


def _path(path: str) -> str:
    """Normalized, and encoded once more than it goes over the wire."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    plain = "/" + "/".join(kept)
    if kept and path.endswith(("/", "/.", "/..")):
        plain += "/"
    return quote(plain, safe="/" + UNRESERVED)


def _query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part)
    told = sorted(
        (quote(unquote(name), safe=UNRESERVED), quote(unquote(value), safe=UNRESERVED)) for name, _, value in pairs
    )
    return "&".join(f"{name}={value}" for name, value in told)


def _signing_key(keys: Keys, scope: Scope, day: str) -> bytes:
    key = ("AWS4" + keys.secret_access_key).encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
