"""Build what runs from what was declared: one frozen snapshot, from zero, in slices that never hold the event loop."""

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from gateway.config.compile_settings import (
    alerts,
    canary,
    defaults,
    records,
    reload,
    routing,
    server,
    storage,
)
from gateway.config.loading import Loading
from gateway.config.permits import Permits
from gateway.config.references import fill
from gateway.config.shape import access, offering
from gateway.config.shape.words import midnight, seconds
from gateway.domain.dialect_facts import DIALECTS
from gateway.domain.key import Key, Limits
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import (
    Alias,
    Model,
    Offer,
    Plain,
    Price,
    PriceTier,
    Provider,
    Share,
    Split,
    Table,
    Tier,
    Timeouts,
    Tls,
)
from gateway.secret import Secret

SLICE = 250
"""Entries between two breaths: a few milliseconds of work."""

T = TypeVar("T")
Slices = Generator[None, None, T]


def compile_snapshot(loading: Loading) -> Slices[Snapshot]:
    """Yields between slices; returns the snapshot. A loading without a declaration cannot be compiled."""
    said = loading.declaration
    if said is None or loading.digest is None:
        raise ValueError("a configuration with errors cannot be compiled")
    table = yield from _table(loading, said)
    permits = Permits(table)
    yield from permits.prepare()
    keys = yield from _keys(said.keys, permits)
    return Snapshot(
        digest=loading.digest,
        short_digest=loading.digest[:12],
        table=table,
        keys=MappingProxyType(keys),
        keys_by_digest=MappingProxyType({digest: key for key in keys.values() for digest in key.digests}),
        server=server(said.server, loading.secrets),
        storage=storage(said, loading.secrets, loading.data_dir),
        defaults=defaults(said.defaults),
        routing=routing(said.routing),
        alerts=alerts(said.alerts, loading.secrets),
        records=records(said.records),
        reload=reload(said.reload),
        canary=canary(said.canary),
    )


def drive(slices: Slices[T]) -> T:
    """All slices in one go, for those who hold nobody up."""
    while True:
        try:
            next(slices)
        except StopIteration as done:
            result: T = done.value
            return result


def _table(loading: Loading, said: Any) -> Slices[Table]:
    providers = {name: _provider(name, provider, loading.secrets) for name, provider in _sorted(said.providers)}
    yield
    models: dict[str, Model] = {}
    offers: dict[str, Offer] = {}
    for some in _sliced(_sorted(said.models)):
        for name, model in some:
            made = models[name] = _model(name, model, loading.secrets)
            for offer in made.offers:
                offers.setdefault(f"{offer.provider}/{offer.id}", offer)
        yield
    for made_models in _sliced(models.values()):
        offers.update((offer.name, offer) for model in made_models for offer in model.offers)
        yield
    cheapest = yield from _cheapest_first(models)
    return Table(
        providers=MappingProxyType(providers),
        models=MappingProxyType(models),
        offers=MappingProxyType(offers),
        aliases=MappingProxyType({name: _alias(name, alias) for name, alias in _sorted(said.aliases)}),
        fallbacks=MappingProxyType(dict(_sorted(said.fallbacks))),
        wildcard_models=said.wildcard_models,
        cheapest_first=cheapest,
    )


def _sorted(entries: Mapping[str, T]) -> list[tuple[str, T]]:
    """By name: two files of equal meaning become equal snapshots."""
    return [(name, entries[name]) for name in sorted(entries)]


def _sliced(items: Iterable[T]) -> Iterator[list[T]]:
    everything = list(items)
    for start in range(0, len(everything), SLICE):
        yield everything[start : start + SLICE]


def _provider(name: str, said: offering.Provider, values: Mapping[str, str]) -> Provider:
    times = said.timeouts
    provider = Provider(
        name=name,
        dialect=said.dialect,
        base_url=fill(said.base_url or DIALECTS[said.dialect].base_url or "", values).rstrip("/"),
        api_key=Secret(fill(said.api_key, values)) if said.api_key else None,
        headers=tuple((header, Secret(fill(text, values))) for header, text in said.headers.items()),
        options=MappingProxyType({option: Secret(fill(text, values)) for option, text in said.options.items()}),
        labels=MappingProxyType(dict(said.labels)),
        timeouts=Timeouts(
            connect_s=seconds(times.connect),
            first_byte_s=seconds(times.first_byte),
            idle_s=seconds(times.idle),
            total_s=seconds(times.total),
        ),
        max_concurrency=said.max_concurrency,
        enabled=said.enabled,
        allow_private=said.allow_private or DIALECTS[said.dialect].local,
        proxy=fill(said.proxy, values) if said.proxy else None,
        tls=_tls(said.tls, values),
    )
    return msgspec.structs.replace(provider, identity=_identity(provider))


def _tls(said: offering.Tls, values: Mapping[str, str]) -> Tls:
    ca, cert, key = (fill(text, values) if text else None for text in (said.ca_file, said.client_cert, said.client_key))
    return Tls(ca_file=ca, client_cert=cert, client_key=key)


def _identity(provider: Provider) -> str:
    """Digest of all that a connection depends on, credentials included."""
    parts: list[Any] = [
        provider.dialect,
        provider.base_url,
        provider.api_key.reveal() if provider.api_key else None,
        [(name, text.reveal()) for name, text in provider.headers],
        sorted((name, text.reveal()) for name, text in provider.options.items()),
        provider.proxy,
        provider.allow_private,
        provider.tls,
    ]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _model(name: str, said: offering.Model, values: Mapping[str, str]) -> Model:
    capabilities = _CAPABILITIES.setdefault(said.capabilities, frozenset(said.capabilities))
    window, longest, via_chat = said.context_window or 0, said.max_output_tokens or 0, said.completions == "via-chat"
    offers = tuple(
        Offer(
            name=f"{offer.provider}/{name}",
            model=name,
            provider=offer.provider,
            id=fill(offer.id, values) if offer.id else name,
            price=_price(offer.price) if offer.price else None,
            share=offer.weight,
            weight=said.weight,
            context_window=window,
            max_output_tokens=longest,
            capabilities=capabilities,
            via_chat=via_chat,
        )
        for offer in said.offers
    )
    return Model(
        name=name,
        weight=said.weight,
        context_window=window,
        max_output_tokens=longest,
        capabilities=capabilities,
        enabled=said.enabled,
        via_chat=via_chat,
        retires_on=said.retires_on,
        offers=offers,
    )


_CAPABILITIES: dict[tuple[str, ...], frozenset[str]] = {}
"""Few sets are shared by many models; there can only be as many as there are combinations of capabilities."""


def _price(said: offering.Price) -> Price:
    above = said.above
    return Price(
        input=said.input,
        output=said.output,
        cached_input=said.cached_input,
        cache_write=said.cache_write,
        reasoning=said.reasoning,
        audio_input=said.audio_input,
        audio_output=said.audio_output,
        image=said.image,
        request=said.request,
        above=PriceTier(
            tokens=above.tokens,
            input=above.input,
            output=above.output,
            cached_input=above.cached_input,
            cache_write=above.cache_write,
        )
        if above
        else None,
    )


def _cheapest_first(models: Mapping[str, Model]) -> Slices[tuple[Offer, ...]]:
    """Sorted in slices; the last sort finds long ordered runs and is short."""
    runs: list[tuple[float, str, Offer]] = []
    for some in _sliced(models.values()):
        runs += sorted(
            (offer.price.input + offer.price.output if offer.price else float("inf"), offer.name, offer)
            for model in some
            for offer in model.offers
        )
        yield
    runs.sort()
    yield
    return tuple(offer for _, _, offer in runs)


def _alias(name: str, said: Any) -> Alias:
    match said:
        case offering.SplitAlias():
            shares = tuple(Share(model=share.model, weight=share.weight) for share in said.split)
            return Alias(name=name, meaning=Split(shares=shares, sticky_by=said.sticky_by), enabled=said.enabled)
        case offering.TierAlias():
            tier = Tier(models=said.tier, strategy=said.strategy, ordered=said.ordered)
            return Alias(name=name, meaning=tier, enabled=said.enabled)
        case offering.PlainAlias():
            return Alias(name=name, meaning=Plain(target=said.model), enabled=said.enabled)
        case _:
            return Alias(name=name, meaning=Plain(target=said))


def _keys(said: tuple[access.Key, ...], permits: Permits) -> Slices[dict[str, Key]]:
    keys: dict[str, Key] = {}
    for some in _sliced(said):
        for key in some:
            keys[key.name] = _key(key, permits)
            if permits.worked_hard():
                yield
        yield
    return keys


def _key(said: access.Key, permits: Permits) -> Key:
    digests = (said.digest,) if isinstance(said.digest, str) else said.digest
    return Key(
        name=said.name,
        digests=tuple(digest.removeprefix("sha256:") for digest in digests),
        scopes=frozenset(said.scopes),
        models=said.models,
        providers=said.providers,
        limits=Limits(
            requests_per_minute=said.limits.requests_per_minute,
            tokens_per_minute=said.limits.tokens_per_minute,
            concurrency=said.limits.concurrency,
            request_tokens=said.limits.request_tokens,
            monthly_tokens=said.limits.monthly_tokens,
            monthly_usd=said.limits.monthly_usd,
        ),
        expires_unix=midnight(said.expires) if said.expires else None,
        enabled=said.enabled,
        offers=permits.offers(said.models, said.providers),
    )
