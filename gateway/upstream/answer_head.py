"""The head of an answer: what it says about the body is read at once, its headers when somebody asks for them."""

from collections.abc import Iterator

from msgspec import Struct

TELLING = frozenset({"content-length", "transfer-encoding", "content-encoding", "content-type", "keep-alive"})
WITHOUT_BODY = frozenset({204, 304})
NAMES_KEPT = 1024

Raw = list[tuple[bytes, bytes]]

_names: dict[bytes, str] = {}
"""As they were written, to what they say about the body: one of TELLING, or nothing."""


class Headers(Struct, frozen=True):
    """Pairs of text, names in lower case. Of most answers nobody wants them."""

    raw: Raw

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, value in self.raw:
            yield name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")


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


def read_head(status: int, raw: Raw) -> Head | None:
    """None where it cannot be used."""
    telling: dict[str, str] = {}
    for name, value in raw:
        key = _names.get(name)
        if key is None:
            key = _learn(name)
        if key:
            telling[key] = value.decode("latin-1").strip(" \t")
    coding = telling.get("transfer-encoding")
    if not 100 <= status <= 599 or status == 101 or (coding is not None and coding.lower() != "chunked"):
        return None
    return Head(
        status,
        Headers(raw),
        telling["content-encoding"].lower().replace("identity", "") if "content-encoding" in telling else "",
        telling.get("content-type", ""),
        coding is None and "content-length" not in telling and status not in WITHOUT_BODY,
        _keep_alive_s(telling["keep-alive"]) if "keep-alive" in telling else None,
    )


def size_of(raw: Raw) -> int:
    return sum(len(name) + len(value) for name, value in raw)


def _learn(name: bytes) -> str:
    lower = name.decode("latin-1").lower()
    key = lower if lower in TELLING else ""
    if len(_names) < NAMES_KEPT:
        _names[name] = key
    return key


def _keep_alive_s(value: str) -> float | None:
    for part in value.lower().split(","):
        name, _, number = part.strip().partition("=")
        if name.strip() == "timeout" and number.strip().isdecimal():
            return float(number.strip()[:9])
    return None
