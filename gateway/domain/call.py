"""What goes over the wire to a provider and what comes back, whole."""

from collections.abc import Iterable

from msgspec import Struct

Headers = tuple[tuple[str, str], ...]
HeardHeaders = Iterable[tuple[str, str]]
"""Headers of an answer, names in lower case; they can be gone through as often as needed."""


class Call(Struct, frozen=True, kw_only=True):
    """One HTTP request to a provider."""

    method: str = "POST"
    url: str
    """Absolute, built from the provider's base URL only."""
    headers: Headers
    """Without Host, Content-Length and Connection, which the connection writes itself. Holds credentials."""
    body: bytes = b""
    request_id: str = ""
    """Letters and digits, told as `req-…` in the header `x-request-id`; empty for none."""

    def __repr__(self) -> str:
        return f"Call({self.method}, {len(self.body)} bytes)"


class Reply(Struct, frozen=True, kw_only=True):
    """One whole HTTP answer."""

    status: int
    headers: HeardHeaders
    body: bytes
    first_byte_ms: float = 0.0


class Patience(Struct, frozen=True, kw_only=True):
    """How long one attempt may still take: each phase, and the moment when all of it must be over."""

    connect_s: float
    first_byte_s: float
    idle_s: float
    until: float
    """Monotonic time of the deadline."""
