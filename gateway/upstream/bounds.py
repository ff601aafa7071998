"""How much and how long the client reads, keeps and waits, whatever a provider does."""

from msgspec import Struct

KIB = 1024
MIB = 1024 * KIB


class Bounds(Struct, frozen=True, kw_only=True):
    head_bytes: int = 64 * KIB
    """Of a head, of trailers, of chunk framing without content."""
    body_bytes: int = 64 * MIB
    """Of a whole answer, also after it was inflated."""
    error_bytes: int = 16 * KIB
    """Of an answer with an error status; the rest is not read."""
    buffer_bytes: int = 256 * KIB
    """Of a stream that its reader has not taken yet: beyond it, the socket is not read."""
    idle_s: float = 15.0
    """How long an unused connection is kept; the servers we know wait longer, save those that say so."""
    age_s: float = 300.0
    """How long a connection may serve, so that a provider can move."""
    handshake_s: float = 3.0
    second_address_s: float = 0.25
    """How long the first address has before the next is tried beside it (RFC 8305)."""
