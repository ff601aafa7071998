"""What the ledger knows of one request, of one admission, of one change; never prompts or answers unless asked to."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

Outcome = Literal["settled", "released", "unknown"]
"""Charged; ended without a charge; lost with its process, before anybody could say."""

NAME_CHARS = 256
META_CHARS = 4096


class Admitted(Struct, frozen=True, array_like=True, tag="a", gc=False):
    """A request got its reservation; if no Record follows, its process died, and the row becomes `unknown`."""

    id: str
    unix: float
    expires_unix: float
    """From then on nobody will settle it."""
    origin: str
    """Which journal it was written to."""
    key: str
    endpoint: str
    asked: str
    config: str
    estimate_nano_usd: int = 0


class Record(Struct, frozen=True, array_like=True, tag="r", gc=False):
    """How one request ended. New fields are added at the end, with defaults: old journals stay readable."""

    id: str
    """The ULID of the request, without a prefix."""
    unix: float
    """When it was admitted: the day and the month it belongs to."""
    key: str
    endpoint: str
    asked: str
    """As the caller wrote it, bounded."""
    model: str = ""
    """What served: our name of the model."""
    provider: str = ""
    served: str = ""
    """What served, as the provider names it."""
    reason: str = ""
    attempts: int = 0
    outcome: Outcome = "settled"
    status: int = 200
    error: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_tokens: int = 0
    usage_estimated: bool = False
    estimate_nano_usd: int = 0
    cost_nano_usd: int = 0
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    stream: bool = False
    possibly_billed: bool = False
    config: str = ""
    meta: str | None = None
    """JSON, bounded."""


class AuditRow(Struct, frozen=True, kw_only=True, array_like=True, tag="u"):
    """Who changed what, when, from where, and how it was before and after."""

    id: str
    unix: float
    who: str
    what: str
    """A stable word: `wildcard_models.put`, `provider.disable`, `config.reload`, …"""
    subject: str
    where: str
    before: str | None = None
    after: str | None = None
    """JSON, bounded, without secrets."""


class Bodies(Struct, frozen=True, kw_only=True, array_like=True, tag="b"):
    """What was said, only where the operator switched it on; kept for a shorter time than the rest."""

    id: str
    unix: float
    request: str
    answer: str


Entry = Admitted | Record | AuditRow | Bodies


def plain(text: str, limit: int = NAME_CHARS) -> str:
    """A caller's text as every database takes it: bounded, without NUL and without halves of characters."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if "\x00" in text:
        text = text.replace("\x00", "␀")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def meta_text(meta: Mapping[str, Any] | None) -> str | None:
    """A caller's `meta` as it is kept."""
    return None if meta is None else json_text(dict(meta))


def json_text(value: Any, limit: int = META_CHARS) -> str | None:
    """Any value as bounded JSON; of what is too long only the length is kept."""
    if value is None:
        return None
    try:
        text = msgspec.json.encode(value).decode().replace("\\u0000", "␀")
    except (TypeError, ValueError, UnicodeError, RecursionError):
        return '{"unreadable":true}'
    return text if len(text) <= limit else f'{{"omitted_chars":{len(text)}}}'


def lost(admitted: Admitted) -> Record:
    """The row of a request that died with its process: nobody knows what it cost."""
    return Record(
        id=admitted.id,
        unix=admitted.unix,
        key=admitted.key,
        endpoint=admitted.endpoint,
        asked=admitted.asked,
        outcome="unknown",
        status=0,
        error="process_lost",
        estimate_nano_usd=admitted.estimate_nano_usd,
        possibly_billed=True,
        config=admitted.config,
    )
