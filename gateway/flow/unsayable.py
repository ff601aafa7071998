"""What cannot be said to whom: asked of the dialects only for the providers and offers that routing really looks at."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects.base import Dialect
from gateway.dialects.bridge import speaker_for
from gateway.dialects.registry import dialect_of
from gateway.domain.ask import Ask
from gateway.domain.table import Offer, Provider, Table

PLAIN_ASKS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "chat": {
            "model": "m",
            "messages": [{"role": role, "content": "Hi"} for role in ("system", "developer", "user", "assistant")],
            "max_tokens": 1,
            "max_completion_tokens": 1,
            "stream": True,
        },
        "embeddings": {"model": "m", "input": "Hi"},
    }
)
"""By endpoint, a request that says all that a plain one may say."""
PLAIN_FIELDS = {endpoint: frozenset(payload) for endpoint, payload in PLAIN_ASKS.items()}
PLAIN_ROLES = frozenset(message["role"] for message in PLAIN_ASKS["chat"]["messages"])


class Unsayable(dict[str, tuple[str, ...] | None]):
    """By a provider's name, or where it depends on the model by an offer's; worked out when it is first looked up."""

    __slots__ = ("_ask", "_table")

    def __init__(self, table: Table, ask: Ask) -> None:
        self._table = table
        self._ask = ask

    def __bool__(self) -> bool:
        """Nobody knows before they have asked."""
        return True

    def __missing__(self, name: str) -> tuple[str, ...] | None:
        provider = self._table.providers.get(name)
        told = self._by_offer(self._table.offers[name]) if provider is None else self._by_provider(provider)
        self[name] = told
        return told

    def _by_offer(self, offer: Offer) -> tuple[str, ...]:
        return unsupported(self._table, self._ask, offer)

    def _by_provider(self, provider: Provider) -> tuple[str, ...] | None:
        """Completions may be spoken through chat, and that depends on the model, too."""
        ask, dialect = self._ask, dialect_of(provider.dialect)
        if ask.endpoint == "completions" or not dialect.model_fields.isdisjoint(ask.payload):
            return None
        return dialect.unsayable(ask, provider)


def is_plain(ask: Ask) -> bool:
    """Says no more than its plain example: whoever can be told that can be told this."""
    fields = PLAIN_FIELDS.get(ask.endpoint)
    if fields is None or not fields.issuperset(ask.payload):
        return False
    return ask.texts_only if ask.endpoint == "chat" else type(ask.payload.get("input")) is str


def unsupported(table: Table, ask: Ask, offer: Offer) -> tuple[str, ...]:
    """All fields of the request that cannot be said to this offer."""
    return speaker_of(table, ask, offer).unsupported(ask, table.providers[offer.provider], offer)


def speaker_of(table: Table, ask: Ask, offer: Offer) -> Dialect:
    """Who would say it: the same for all requests of this endpoint."""
    return speaker_for(dialect_of(table.providers[offer.provider].dialect), ask, offer)
