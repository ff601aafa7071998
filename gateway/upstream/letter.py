"""The head of a request: checked once, written once, and kept while the same call comes again."""

import re
from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from gateway import __version__
from gateway.domain.call import Call, Headers
from gateway.domain.table import Provider

KEPT = 256
LENGTH = b"\r\nContent-Length: "
OURS = frozenset({"host", "content-length", "connection", "transfer-encoding", "keep-alive", "te", "upgrade", "expect"})
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""Those whose answers have bodies like any other."""
PORTS = {"http": 80, "https": 443}

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"[\x21-\x7e]+")


class Origin(Struct, frozen=True):
    """Who is at the other end of a connection."""

    scheme: str
    host: str
    port: int


class Letter(Struct, frozen=True):
    origin: Origin
    start: bytes
    """All of the head up to the length of the body, which comes last."""


class Letters:
    """What was written for one provider. Calls differ in their last header at most: it holds the id of the request."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, Headers, str], Letter] = {}

    def write(self, provider: Provider, call: Call) -> Letter | None:
        """None where the address or a header cannot be sent as it is."""
        if not call.headers:
            return _write(provider, call)
        name, value = call.headers[-1]
        key = (call.method, call.url, call.headers[:-1], name)
        common = self._kept.get(key)
        if common is None:
            common = _write(provider, call)
            if common is None or not _ends_with(common, name, value):
                return common
            common = Letter(common.origin, common.start[: -len(value) - len(LENGTH)])
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = common
        if not _VALUE.fullmatch(value):
            return None
        return Letter(common.origin, common.start + value.encode("latin-1") + LENGTH)


def whole_head(letter: Letter, body: bytes) -> bytes:
    return letter.start + str(len(body)).encode() + b"\r\n\r\n"


def origin_of(parts: SplitResult) -> Origin | None:
    try:
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname:
        return None
    return Origin(parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port)


def _write(provider: Provider, call: Call) -> Letter | None:
    if not _TARGET.fullmatch(call.url) or call.method not in METHODS:
        return None
    try:
        parts = urlsplit(call.url)
    except ValueError:
        return None
    origin = origin_of(parts)
    if origin is None or parts.username is not None or "\\" in parts.netloc:
        return None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = [("Host", parts.netloc), ("Accept-Encoding", "identity"), ("User-Agent", f"tokenhub/{__version__}")]
    if provider.proxy is not None and origin.scheme == "http":
        target = f"http://{parts.netloc}{target}"
        headers += proxy_headers(provider.proxy)
    given = {name.lower() for name, _ in call.headers}
    headers = [pair for pair in headers if pair[0].lower() not in given or pair[0] == "Host"]
    headers += [(name, value) for name, value in call.headers if name.lower() not in OURS]
    if not all(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers):
        return None
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return Letter(origin, f"{call.method} {target} HTTP/1.1\r\n{lines}".encode("latin-1")[:-2] + LENGTH)


def _ends_with(letter: Letter, name: str, value: str) -> bool:
    return letter.start.endswith(f"{name}: {value}".encode("latin-1") + LENGTH)


def proxy_headers(proxy: str) -> list[tuple[str, str]]:
    """Who we are to the proxy, where its address says so."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return []
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return [("Proxy-Authorization", "Basic " + b64encode(login.encode()).decode())]
