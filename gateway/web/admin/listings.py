"""What is configured and how it does: providers, models, keys, routes, arms. Never a secret, never a whole digest."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from msgspec import structs, to_builtins

from gateway.domain.moment import UNKNOWN, Vitals
from gateway.domain.table import Plain, Split
from gateway.flow.fleet import last_used_of_all
from gateway.flow.gateway import Gateway
from gateway.flow.last_used import DIGEST_CHARS, by_digest


@get("/providers", sync_to_thread=False)
def providers(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Providers, enabled or not, and their health."""
    vitals, off = gateway.health.providers, gateway.overrides.disabled_providers
    now = gateway.clock.monotonic()
    return {
        "data": [
            {
                "name": provider.name,
                "dialect": provider.dialect,
                "base_url": provider.base_url,
                "enabled": provider.enabled and provider.name not in off,
                "drift": provider.name in off,
                "labels": dict(provider.labels),
                "health": _health(vitals.get(provider.name, UNKNOWN), now),
            }
            for provider in gateway.live.current.table.providers.values()
        ]
    }


@get("/models", sync_to_thread=False)
def models(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Models and their offers, with prices and health."""
    vitals, now = gateway.health.offers, gateway.clock.monotonic()
    return {
        "data": [
            {
                "name": model.name,
                "weight": model.weight,
                "context_window": model.context_window,
                "max_output_tokens": model.max_output_tokens,
                "capabilities": sorted(model.capabilities),
                "enabled": model.enabled,
                "retires_on": model.retires_on,
                "offers": [
                    {
                        "name": offer.name,
                        "provider": offer.provider,
                        "id": offer.id,
                        "price": None if offer.price is None else to_builtins(offer.price),
                        "health": _health(vitals.get(offer.name, UNKNOWN), now),
                    }
                    for offer in model.offers
                ],
            }
            for model in gateway.live.current.table.models.values()
        ]
    }


@get("/keys")
async def keys(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Keys, their limits and what they spent this month; never a whole digest."""
    now, last_used = gateway.clock.monotonic(), await last_used_of_all(gateway)
    return {
        "data": [
            {
                "name": key.name,
                "digests": [digest[:DIGEST_CHARS] for digest in key.digests],
                "scopes": sorted(key.scopes),
                "models": list(key.models),
                "providers": list(key.providers),
                "limits": {name: limit for name, limit in structs.asdict(key.limits).items() if limit is not None},
                "expires_at": key.expires_unix,
                "enabled": key.enabled,
                "last_used": last_used.get(key.name),
                "digests_last_used": by_digest(last_used, key),
                "spent": _spent(gateway, key.name, now),
            }
            for key in gateway.live.current.keys.values()
        ]
    }


@get("/routes", sync_to_thread=False)
def routes(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """Every other name and what it leads to."""
    table = gateway.live.current.table
    aliases = []
    for alias in table.aliases.values():
        meaning = alias.meaning
        if isinstance(meaning, Plain):
            told: dict[str, Any] = {"model": meaning.target}
        elif isinstance(meaning, Split):
            told = {"split": [to_builtins(share) for share in meaning.shares], "sticky_by": meaning.sticky_by}
        else:
            told = {"tier": list(meaning.models), "strategy": meaning.strategy, "ordered": meaning.ordered}
        aliases.append({"name": alias.name, "enabled": alias.enabled} | told)
    return {
        "aliases": aliases,
        "fallbacks": {name: list(chain) for name, chain in table.fallbacks.items()},
        "wildcard_models": list(table.wildcard_models),
    }


@get("/arms", sync_to_thread=False)
def arms(gateway: NamedDependency[Gateway]) -> dict[str, Any]:
    """What Thompson sampling has learnt, by offer and size of input."""
    rows = gateway.arms.listing(gateway.clock.monotonic())
    return {"data": [to_builtins(row) | {"mean": row.mean} for row in rows]}


def _health(vitals: Vitals, now: float) -> dict[str, Any]:
    not_open = "half-open" if vitals.open_until else "closed"
    return {
        "circuit": "open" if vitals.open_until > now else not_open,
        "error_rate": round(vitals.error_rate, 6),
        "latency_ms": vitals.latency_ms,
        "samples": vitals.samples,
        "in_flight": vitals.in_flight,
        "cooling_s": round(max(0.0, vitals.cooldown_until - now), 3),
    }


def _spent(gateway: Gateway, name: str, now: float) -> dict[str, Any]:
    spent = gateway.limits.spent(name, now)
    return {"tokens": spent.tokens, "usd": spent.nano_usd / 1e9}
