"""How every response begins: its status line, and the headers that a server puts into all of them."""

import http
from collections.abc import Mapping
from types import MappingProxyType

from gateway.web.head import Pairs, lines_of

STATUS_LINES: Mapping[int, bytes] = MappingProxyType(
    {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in http.HTTPStatus}
)


class Tops:
    """Made once for the headers that come with them: a server makes new ones when the second changes."""

    __slots__ = ("_pairs", "_tops")

    def __init__(self) -> None:
        self._pairs: Pairs = []
        self._tops: dict[int, bytes] = {}

    def top(self, status: int, pairs: Pairs) -> bytes:
        if pairs is not self._pairs:
            self._pairs, self._tops = pairs, {}
        known = self._tops.get(status)
        if known is None:
            known = self._tops[status] = STATUS_LINES[status] + lines_of(pairs)
        return known
