"""Values for tests: say only what matters, the rest is filled in."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.domain.ask import Ask
from gateway.domain.key import Key
from gateway.domain.moment import Moment
from gateway.domain.settings import Defaults, Profile, Routing, Server, Storage
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Model, Offer, Plain, Price, Provider, Table
from gateway.secret import Secret

MODES = {
    "cheap": Profile(cost=0.7, latency=0.1, failure=0.1, capability=0.1),
    "normal": Profile(cost=0.25, latency=0.25, failure=0.25, capability=0.25),
    "high_confidence": Profile(cost=0.05, latency=0.1, failure=0.15, capability=0.7),
    "planning": Profile(cost=0.1, latency=0.1, failure=0.2, capability=0.6),
}


def a_provider(name: str = "openai", **more: Any) -> Provider:
    given: dict[str, Any] = {
        "dialect": "openai",
        "base_url": "http://127.0.0.1:9/v1",
        "api_key": Secret("sk-CANARY-upstream"),
        "options": MappingProxyType({}),
        "labels": MappingProxyType({}),
        "allow_private": True,
        "identity": f"identity-of-{name}",
    }
    return Provider(name=name, **(given | more))


def an_offer(
    model: str = "gpt-4o", provider: str = "openai", *, input: float = 2.5, output: float = 10.0, **more: Any
) -> Offer:
    given: dict[str, Any] = {
        "name": f"{provider}/{model}",
        "id": model,
        "price": Price(input=input, output=output),
        "weight": 5.0,
        "context_window": 128_000,
        "max_output_tokens": 16_384,
        "capabilities": frozenset({"chat", "tools"}),
    }
    return Offer(model=model, provider=provider, **(given | more))


def a_table(
    offers: Iterable[Offer] = (),
    *,
    aliases: Mapping[str, Alias | str] | None = None,
    fallbacks: Mapping[str, tuple[str, ...]] | None = None,
    wildcard_models: tuple[str, ...] = (),
    providers: Iterable[Provider] = (),
) -> Table:
    offers = tuple(offers) or (an_offer(),)
    by_model: dict[str, list[Offer]] = {}
    for offer in offers:
        by_model.setdefault(offer.model, []).append(offer)
    models = {
        name: Model(
            name=name,
            weight=mine[0].weight,
            context_window=mine[0].context_window,
            max_output_tokens=mine[0].max_output_tokens,
            capabilities=mine[0].capabilities,
            enabled=True,
            via_chat=mine[0].via_chat,
            retires_on=None,
            offers=tuple(mine),
        )
        for name, mine in by_model.items()
    }
    named = {
        name: Alias(name=name, meaning=Plain(target=alias)) if isinstance(alias, str) else alias
        for name, alias in (aliases or {}).items()
    }
    places = {offer.provider: a_provider(offer.provider) for offer in offers} | {p.name: p for p in providers}
    by_name = {f"{offer.provider}/{offer.id}": offer for offer in offers} | {offer.name: offer for offer in offers}

    def list_price(offer: Offer) -> tuple[float, str]:
        return (offer.price.input + offer.price.output if offer.price else float("inf"), offer.name)

    return Table(
        providers=MappingProxyType(places),
        models=MappingProxyType(models),
        offers=MappingProxyType(by_name),
        aliases=MappingProxyType(named),
        fallbacks=MappingProxyType(dict(fallbacks or {})),
        wildcard_models=wildcard_models,
        cheapest_first=tuple(sorted(offers, key=list_price)),
    )


def a_snapshot(table: Table | None = None, *, keys: Iterable[Key] = (), **more: Any) -> Snapshot:
    keys = tuple(keys)
    given: dict[str, Any] = {
        "digest": "0" * 64,
        "server": Server(),
        "storage": Storage(state=Secret("memory://"), ledger=Secret("sqlite://ledger.db"), data_dir=".tokenhub"),
        "defaults": Defaults(),
        "routing": Routing(modes=MappingProxyType(MODES), capability_modes=MappingProxyType({"planning": "planning"})),
    }
    given |= more
    return Snapshot(
        short_digest=given["digest"][:12],
        table=table or a_table(),
        keys=MappingProxyType({key.name: key for key in keys}),
        keys_by_digest=MappingProxyType({digest: key for key in keys for digest in key.digests}),
        **given,
    )


def a_moment(**more: Any) -> Moment:
    return Moment(**({"now": 1000.0, "unix": 1_800_000_000.0} | more))


def an_ask(name: str | None = "gpt-4o", **more: Any) -> Ask:
    given: dict[str, Any] = {
        "endpoint": "chat",
        "payload": {"model": name, "messages": [{"role": "user", "content": "Hello!"}]},
        "request_id": "01j9z3xkbfqe5m7nw4v2p6r8cd",
        "input_tokens": 10,
    }
    return Ask(name=name, **(given | more))
