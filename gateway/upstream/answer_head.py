"""The head of an answer: its headers in lower case, and what they say about the body."""

from msgspec import Struct

from gateway.domain.call import Headers

TELLING = frozenset(
    {"content-length", "transfer-encoding", "content-encoding", "content-type", "keep-alive", "location"}
)
WITHOUT_BODY = frozenset({204, 304})
NAMES_KEPT = 1024

_names: dict[bytes, str] = {}


class Head(Struct, frozen=True):
    status: int
    headers: Headers
    encoding: str
    """Content coding, lower case; empty for none."""
    content_type: str
    until_close: bool
    """The body has no length: it ends with the connection."""
    keep_alive_s: float | None
    """How long the server said it keeps an idle connection."""


def read_head(status: int, raw: list[tuple[bytes, bytes]], max_bytes: int) -> Head | str:
    """A code says why it cannot be used."""
    headers: list[tuple[str, str]] = []
    telling: dict[str, str] = {}
    size = 0
    for name, value in raw:
        size += len(name) + len(value)
        key = _names.get(name) or _lower(name)
        text = value.decode("latin-1").strip(" \t")
        headers.append((key, text))
        if key in TELLING:
            telling[key] = text
    if size > max_bytes or not 100 <= status <= 599 or status == 101:
        return "malformed_response"
    coding = telling.get("transfer-encoding")
    if coding is not None and coding.lower() != "chunked":
        return "malformed_response"
    bounded = coding is not None or "content-length" in telling or status in WITHOUT_BODY
    return Head(
        status,
        tuple(headers),
        telling.get("content-encoding", "").lower().replace("identity", ""),
        telling.get("content-type", ""),
        not bounded,
        _keep_alive_s(telling["keep-alive"]) if "keep-alive" in telling else None,
    )


def _lower(name: bytes) -> str:
    key = name.decode("latin-1").lower()
    if len(_names) < NAMES_KEPT:
        _names[name] = key
    return key


def _keep_alive_s(value: str) -> float | None:
    for part in value.lower().split(","):
        name, _, number = part.strip().partition("=")
        if name.strip() == "timeout" and number.strip().isdecimal():
            return float(number.strip()[:9])
    return None
