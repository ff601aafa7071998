"""Heads of requests: what one says of where it goes, and one that comes again with another length.

Callers who keep their connection send the same head with each request, but for the digits of its Content-Length. What a
parser found in it once need not be found again: a known head is one that the parser accepted, as the bytes around
those digits, with the scope that was made of it.
"""

from typing import Any

import httptools
from msgspec import Struct

from gateway.cli.http_cycle import Scope
from gateway.web.door import HEADERS, LANE
from gateway.web.head import Pairs

LENGTH = b"content-length"
LONGEST_KNOWN = 8 * 1024
MOST_DIGITS = 9


class KnownHead(Struct, eq=False):
    """Whoever made the scope says with a lane in it that it may serve again."""

    before: bytes
    """Up to the digits of the length."""
    after: bytes
    """From there to the end of the head."""
    place: int
    """Of the length among the headers."""
    scope: Scope
    used: bool = False

    def body_in(self, data: bytes) -> bytes | None:
        """The body, if this is the head once more, with the whole of the body it announces, and nothing else."""
        scope, begins = self.scope, len(self.before)
        ends = data.find(b"\r", begins, begins + MOST_DIGITS + 1)
        if ends < 0 or not data.startswith(self.before) or not data.startswith(self.after, ends):
            return None
        digits, body = data[begins:ends], data[ends + len(self.after) :]
        if LANE not in scope or not digits.isdigit() or int(digits) != len(body):
            return None
        scope["headers"][self.place] = (LENGTH, digits)
        scope[HEADERS][LENGTH] = digits
        self.used = True
        return body


def known_head(data: bytes, scope: Scope) -> KnownHead | None:
    """Of a POST that the parser has taken in: all of `data`, or it is not worth knowing.

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
    if name.lower() != LENGTH or value.lstrip(b" \t") != digits or not _is_length_of(digits, len(data) - end - 4):
        return None
    begins = len(b"\r\n".join(lines[: place + 2])) - len(digits)
    return KnownHead(data[:begins], data[begins + len(digits) : end + 4], place, scope)


def _is_length_of(digits: bytes, size: int) -> bool:
    return len(digits) <= MOST_DIGITS and digits.isdigit() and int(digits) == size


def length_in(headers: Pairs) -> int:
    """What `Content-Length` says, which the parser has found to be a number."""
    return next((int(value) for name, value in headers if name == LENGTH), 0)


def target_of(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target; the plain form needs no parser."""
    if url[:1] == b"/" and b"#" not in url and url[:2] != b"//":
        path, _, query = url.partition(b"?")
        return path, query
    parsed: Any = httptools.parse_url(url)
    return parsed.path or b"/", parsed.query or b""
