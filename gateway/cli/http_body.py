"""The body behind an offer to speak another protocol: the parser stops at such a head, so another one reads on."""

from typing import Any, Protocol

import httptools

from gateway.web.head import Pairs, lines_of

FRAMING = frozenset({b"content-length", b"transfer-encoding"})
LAST = (b"connection", b"close")
"""Whatever follows the body is no other request."""


class Hearer(Protocol):
    """Whoever is told of a body."""

    def on_body(self, body: bytes) -> None: ...

    def on_message_complete(self) -> None: ...


class BodyOnly:
    """What a parser calls that is shown a head of ours: of heads and trailers nobody hears."""

    __slots__ = ("on_body", "on_message_complete")

    def __init__(self, hearer: Hearer) -> None:
        self.on_body = hearer.on_body
        self.on_message_complete = hearer.on_message_complete


def body_parser(hearer: Hearer) -> Any:
    return httptools.HttpRequestParser(BodyOnly(hearer))


def head_without_offer(headers: Pairs) -> bytes:
    """To be read before the body: where it ends stands in its head, and nothing else of it matters."""
    return b"POST / HTTP/1.1\r\n" + lines_of([*(pair for pair in headers if pair[0] in FRAMING), LAST]) + b"\r\n"
