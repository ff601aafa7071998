"""Who may call, what, and how much."""

from typing import Literal

from msgspec import Struct

Scope = Literal["chat", "embeddings", "models", "explain", "admin"]


class Limits(Struct, frozen=True, kw_only=True):
    """Every limit a key can have; None means unlimited."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    request_tokens: int | None = None
    monthly_tokens: int | None = None
    monthly_usd: float | None = None


class Key(Struct, frozen=True, kw_only=True):
    """One account: a name, the digests that open it, and what it may do."""

    name: str
    digests: tuple[str, ...]
    """Hex SHA-256 of each string that is this key; several during a rotation."""
    scopes: frozenset[str]
    """Empty means all but `admin`."""
    models: tuple[str, ...] = ()
    """Names and globs; empty means every model."""
    providers: tuple[str, ...] = ()
    limits: Limits = Limits()
    expires_unix: float | None = None
    """The first second at which the key no longer works."""
    enabled: bool = True
    offers: frozenset[str] | None = None
    """Names of the offers that `models` and `providers` leave, worked out at compile time; None means all."""
