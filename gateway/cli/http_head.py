"""Heads of requests: what one says of where it goes, and one that comes again with another length.

Callers who keep their connection send the same head with each request, but for the digits of its Content-Length. What a
parser found in it once need not be found again: a known head is one that the parser accepted, as the bytes around
those digits, with the scope that was made of it.
"""

from typing import Any
from urllib.parse import unquote

import httptools

from gateway.cli.http_cycle import Scope
from gateway.web.door import HEADERS, LANE
from gateway.web.head import Pairs

LENGTH = b"content-length"
LONGEST_KNOWN = 8 * 1024
MOST_HELD = 64 * 1024
"""Bytes of a body that are waited for before its request begins."""
MOST_DIGITS = 10


class KnownHead:
    """Whoever made the scope says with a lane in it that it may serve again.

    The size of a piece tells how long its body is, if it is one request, and so what its head must look like.
    """

    __slots__ = ("_after", "_before", "_head", "_place", "_size", "scope", "used")

    def __init__(self, before: bytes, after: bytes, place: int, scope: Scope) -> None:
        """`before` and `after` the digits of the length, which stands at that place among the headers."""
        self._before = before
        self._after = after
        self._place = place
        self._head = b""
        self._size = -1
        """Of the piece that `_head` and `scope` tell of."""
        self.scope = scope
        self.used = False

    def body_in(self, data: bytes) -> bytes | None:
        """The body, if this is the head once more, with the whole of the body it announces, and nothing else."""
        if LANE not in self.scope or (len(data) != self._size and not self._fits(len(data))):
            return None
        ends = len(self._head)
        if data[:ends] != self._head:
            return None
        self.used = True
        return data[ends:]

    def begins(self, data: bytes) -> bool:
        """Whether this is the head once more, and the rest of a body that may be waited for is still to come."""
        before, after = self._before, self._after
        if LANE not in self.scope or data[: len(before)] != before:
            return False
        ends = data.find(b"\r", len(before), len(before) + MOST_DIGITS)
        digits = data[len(before) : ends]
        head_bytes = ends + len(after)
        if ends < 0 or data[ends:head_bytes] != after or not _is_plain(digits) or int(digits) > MOST_HELD:
            return False
        return len(data) - head_bytes < int(digits)

    def _fits(self, size: int) -> bool:
        """Whether one request can be that long: a body, and the digits of its length. There may be none."""
        rest = size - len(self._before) - len(self._after)
        length = rest - len(b"%d" % rest)
        digits = b"%d" % length
        if len(digits) + length < rest:  # the length has one digit less
            length += 1
            digits = b"%d" % length
        if length < 0 or len(digits) + length != rest:
            return False
        self._size = size
        self._head = self._before + digits + self._after
        self.scope["headers"][self._place] = (LENGTH, digits)
        self.scope[HEADERS][LENGTH] = digits
        return True


def known_head(data: bytes, scope: Scope) -> KnownHead | None:
    """Of a POST whose head and no other the parser has taken in from `data`, with as much of its body as is there.

    That the lines of the head are its headers one by one is what ties the digits to the header that the parser read.
    """
    headers: Pairs = scope["headers"]
    names = [name for name, _ in headers]
    end = data.find(b"\r\n\r\n") if scope["method"] == "POST" else -1
    if not 0 < end < LONGEST_KNOWN or names.count(LENGTH) != 1 or b"transfer-encoding" in names:
        return None
    lines = data[:end].split(b"\r\n")
    if not data.count(b"\n", 0, end) == data.count(b"\r", 0, end) == len(lines) - 1 == len(headers):
        return None
    place = names.index(LENGTH)
    digits = headers[place][1]
    name, _, value = lines[place + 1].partition(b":")
    if name.lower() != LENGTH or value.lstrip(b" \t") != digits or not _is_plain(digits):
        return None
    if int(digits) < len(data) - end - 4:
        return None
    begins = len(b"\r\n".join(lines[: place + 2])) - len(digits)
    return KnownHead(data[:begins], data[begins + len(digits) : end + 4], place, scope)


def _is_plain(digits: bytes) -> bool:
    """As we would write the number, and not a long one."""
    return len(digits) < MOST_DIGITS and digits.isdigit() and digits == b"%d" % int(digits)


def scope_of(here: Scope, method: str, url: bytes, version: str, headers: Pairs) -> Scope:
    """Of a request that came to `here`."""
    raw, query = target_of(url)
    path = raw.decode("ascii")
    return {
        **here,
        "http_version": version,
        "method": method,
        "path": unquote(path) if "%" in path else path,
        "raw_path": raw,
        "query_string": query,
        "headers": headers,
        "state": {},
    }


def target_of(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target; the plain form needs no parser."""
    if url[:1] == b"/" and b"#" not in url and url[:2] != b"//":
        path, _, query = url.partition(b"?")
        return path, query
    parsed: Any = httptools.parse_url(url)
    return parsed.path or b"/", parsed.query or b""
