"""Who may call what, how much, and what no name may ever lead to."""

from typing import Annotated

from msgspec import Meta

from gateway.config.shape.words import Date, Digest, KeyName, Label, Name, Plain, Section
from gateway.domain.key import Scope

Count = Annotated[int, Meta(ge=0, le=10**15)]


class Limits(Section, frozen=True):
    """What a key may use; what is left out is unlimited."""

    requests_per_minute: Count | None = None
    """Requests in a minute. For example `600`."""
    tokens_per_minute: Count | None = None
    """Tokens in a minute, prompt and answer together. For example `1000000`."""
    concurrency: Count | None = None
    """Requests at once. For example `50`."""
    request_tokens: Count | None = None
    """Most tokens of one request. For example `8000`."""
    monthly_tokens: Count | None = None
    """Tokens in a UTC calendar month. For example `50000000`."""
    monthly_usd: Annotated[float, Meta(ge=0, le=10**12)] | None = None
    """USD in a UTC calendar month. For example `200`."""


class Key(Section, frozen=True):
    """One account: who may call, what, and how much."""

    name: KeyName
    """How it is called in records and limits. For example `web-app`."""
    digest: Digest | Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=10)]
    """SHA-256 of the secret; a list while it is being rotated. Made by `tokenhub keys new`; the secret itself is never
    in a file."""
    scopes: tuple[Scope, ...] = ()
    """What it may do; empty means all but `admin`."""
    models: tuple[Name, ...] = ()
    """Models it may use: names, aliases, `provider/model`, with `*`; empty means all. For example `anthropic/*`."""
    providers: tuple[Name, ...] = ()
    """Providers it may use, with `*`; empty means all."""
    limits: Limits = Limits()
    """How much it may use."""
    expires: Date | None = None
    """The first day (UTC) on which it no longer works. For example `2027-01-01`."""
    enabled: bool = True
    """A disabled key opens nothing."""


class Policy(Section, frozen=True):
    """A promise about names: they never reach a provider without these labels."""

    name: Plain
    """A sentence that must stay true. For example `customer data stays in the EU`."""
    aliases: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=1000)]
    """Names it speaks of: models, aliases, with `*`. For example `eu-*`."""
    require: dict[Label, Plain]
    """Labels that every provider they can reach must have. For example `{region: eu}`."""
