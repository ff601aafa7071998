"""The attempts really made, and what became of each."""

from typing import Literal, final

from msgspec import Struct

FailureKind = Literal["transient", "rate_limited", "context_overflow", "refused", "garbled", "bad_request"]
Blame = Literal["offer", "provider", "nobody"]


@final
class Failure(Struct, frozen=True, kw_only=True):
    """One attempt did not work: a value, never an exception."""

    kind: FailureKind
    code: str
    """Stable word: `connect_refused`, `dns_error`, `tls_error`, `upstream_timeout`, `malformed_response`, …"""
    message: str
    """A clean sentence for the caller: no URL, no key, no raw upstream body, at most 300 characters."""
    status: int | None = None
    """What the provider answered with, if it answered."""
    blame: Blame = "offer"
    """Whose health it counts against; `nobody` for callers' mistakes and for our own shortages."""
    retry_after_s: float | None = None
    possibly_billed: bool = False
    """The request left our socket and its answer was lost."""
    same_offer: bool = True
    """False where trying the same offer again is known to be useless."""
    param: str | None = None
    cooldown_s: float | None = None
    """How long this offer must rest (money gone, key refused), where the provider's own wish is not enough."""


class Attempt(Struct, frozen=True):
    """One call made."""

    offer: str
    provider: str
    model: str
    started: float
    """Monotonic seconds."""
    ms: float
    first_byte_ms: float | None = None
    failure: Failure | None = None


class Trail(Struct, eq=False):
    """Grows by one with each attempt of one request."""

    attempts: list[Attempt] = []
