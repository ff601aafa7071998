"""In whose words an answer is told: OpenAI's, the policy envelope's, or another's. One surface a family of routes."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from gateway.domain.answer import Answer, Chunk
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.receipt import Receipt
from gateway.web.head import Lines
from gateway.web.pulse import KEEPALIVE


class Writer(Protocol):
    """Turns the chunks of one stream into frames on the wire."""

    def frames(self, chunks: list[Chunk]) -> bytes: ...

    def done(self) -> bytes:
        """The stream ended well."""
        ...

    def broken(self, error: RequestError) -> bytes:
        """The stream broke after its head was sent."""
        ...


class Surface(Struct, frozen=True, kw_only=True):
    """How a family of routes says things; all pure."""

    status: Callable[[RequestError, Visit], int]
    refusal: Callable[[RequestError, Visit], bytes]
    whole: Callable[[Receipt, Answer], bytes]
    lines: Callable[[Receipt, Lines], Lines]
    """What the head of an answer tells of it, and its configuration, and its kind."""
    writer: Callable[[Receipt], Writer]
    everywhere: Callable[[Visit], Lines] | None = None
    """Headers of this family that all its responses carry, errors included."""
    keepalive: bytes = KEEPALIVE
    """What a silent stream says to show that it lives."""
    json_first: bool = False
    """Malformed JSON is told before a missing key: the order this family promises."""
