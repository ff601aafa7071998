"""The head of a request: checked once, written once, and kept while the same call comes again."""

import re
from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from gateway import __version__
from gateway.domain.call import Call, Headers
from gateway.domain.table import Provider

KEPT = 256
ENDS = 4096
OURS = frozenset({"host", "content-length", "connection", "transfer-encoding", "keep-alive", "te", "upgrade", "expect"})
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""Those whose answers have bodies like any other."""
PORTS = {"http": 80, "https": 443}

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"[\x21-\x7e]+")


class Origin(Struct, frozen=True, cache_hash=True):
    """Who is at the other end of a connection."""

    scheme: str
    host: str
    port: int


class Letter(Struct, frozen=True):
    """What all calls to one address with the same headers have in common."""

    origin: Origin
    start: bytes
    """All of the head but its last lines: the id of the request, and the length of the body."""
    named: bytes
    """The same, and the beginning of the line with the id."""
    url: str
    method: str
    headers: Headers


class Letters:
    """What was written for one provider."""

    __slots__ = ("_at_hand", "_ends", "_kept")

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, Headers], Letter] = {}
        self._at_hand: dict[int, Letter] = {}
        """The one written last with these very headers, of those in `_kept`."""
        self._ends: dict[int, bytes] = {}
        """How a head ends, from the end of a line on, by the length of the body."""

    def write(self, provider: Provider, call: Call) -> tuple[Origin, tuple[bytes, ...]] | None:
        """Whom to call, and the pieces of what to say; None where address, header or id cannot be sent as they are."""
        url, headers, body = call.url, call.headers, call.body
        letter = self._at_hand.get(id(headers))
        if letter is None or letter.headers is not headers or letter.url is not url or letter.method != call.method:
            letter = self._find(provider, call)
            if letter is None:
                return None
        size = len(body)
        end = self._ends.get(size) or self._end(size)
        if not call.request_id:
            return letter.origin, (letter.start, end[2:], body)
        name = call.request_id.encode()
        return (letter.origin, (letter.named, name, end, body)) if name.isalnum() else None

    def _find(self, provider: Provider, call: Call) -> Letter | None:
        key = (call.method, call.url, call.headers)
        letter = self._kept.get(key)
        if letter is None:
            letter = _write(provider, call)
            if letter is None:
                return None
            if len(self._kept) >= KEPT:
                self._kept.clear()
                self._at_hand.clear()
            self._kept[key] = letter
        self._at_hand[id(letter.headers)] = letter
        return letter

    def _end(self, size: int) -> bytes:
        if len(self._ends) >= ENDS:
            self._ends.clear()
        end = self._ends[size] = b"\r\nContent-Length: %d\r\n\r\n" % size
        return end


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
    start = f"{call.method} {target} HTTP/1.1\r\n{lines}".encode("latin-1")
    return Letter(origin, start, start + b"x-request-id: req-", call.url, call.method, call.headers)


def proxy_headers(proxy: str) -> list[tuple[str, str]]:
    """Who we are to the proxy, where its address says so."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return []
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return [("Proxy-Authorization", "Basic " + b64encode(login.encode()).decode())]
