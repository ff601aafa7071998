"""The settings of process and routing, in the units that code counts in."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.config.references import fill
from gateway.config.shape import Declaration, process
from gateway.config.shape import routing as said_of_routing
from gateway.config.shape.words import seconds, size_in_bytes
from gateway.domain import settings
from gateway.secret import Secret

MODES: Mapping[str, settings.Profile] = MappingProxyType(
    {
        "cheap": settings.Profile(cost=0.7, latency=0.1, failure=0.1, capability=0.1),
        "normal": settings.Profile(cost=0.25, latency=0.25, failure=0.25, capability=0.25),
        "high_confidence": settings.Profile(cost=0.05, latency=0.1, failure=0.15, capability=0.7),
        "planning": settings.Profile(cost=0.1, latency=0.1, failure=0.2, capability=0.6),
    }
)
"""There without being declared; a declaration may overwrite them."""

CAPABILITY_MODES: Mapping[str, str] = MappingProxyType({"planning": "planning"})

LEARNING_MODE = "thompson"
"""A mode without weights."""


def server(said: process.Server, values: Mapping[str, str]) -> settings.Server:
    return settings.Server(
        listen=fill(said.listen, values),
        admin_listen=fill(said.admin_listen, values) if said.admin_listen else None,
        workers=said.workers,
        replicas=said.replicas,
        max_body=size_in_bytes(said.max_body),
        body_timeout_s=seconds(said.body_timeout),
        max_in_flight=said.max_in_flight,
        drain_delay_s=seconds(said.drain_delay),
        shutdown_grace_s=seconds(said.shutdown_grace),
        trusted_proxies=said.trusted_proxies,
    )


def storage(said: Declaration, values: Mapping[str, str], otherwise: str) -> settings.Storage:
    return settings.Storage(
        state=Secret(fill(said.state, values)),
        ledger=Secret(fill(said.ledger, values)),
        data_dir=fill(said.data_dir, values) if said.data_dir else otherwise,
        ledger_sync_s=0.0 if said.ledger_sync == "always" else seconds(said.ledger_sync),
    )


def defaults(said: process.Defaults) -> settings.Defaults:
    return settings.Defaults(
        strategy=said.strategy,
        mode=said.mode,
        max_budget_usd=said.max_budget_usd,
        max_latency_ms=said.max_latency_ms,
        default_model=said.default_model,
        unsupported_parameters=said.unsupported_parameters,
        over_limit_status=said.over_limit_status,
        max_fallbacks=said.max_fallbacks,
        max_choices=said.max_choices,
    )


def routing(said: said_of_routing.Routing) -> settings.Routing:
    modes = {
        name: settings.Profile(cost=mode.cost, latency=mode.latency, failure=mode.failure, capability=mode.capability)
        for name, mode in sorted(said.modes.items())
    }
    return settings.Routing(
        modes=MappingProxyType({**MODES, **modes}),
        capability_modes=MappingProxyType({**CAPABILITY_MODES, **dict(sorted(said.capability_modes.items()))}),
        thompson=settings.Thompson(half_life_s=seconds(said.thompson.half_life), seed=said.thompson.seed),
        health=_health(said.health),
        retries=settings.Retries(
            per_offer=said.retries.per_offer,
            max_attempts=said.retries.max_attempts,
            backoff_s=seconds(said.retries.backoff),
            budget=said.retries.budget,
        ),
        structured_output=settings.StructuredOutput(repairs=said.structured_output.repairs),
    )


def _health(said: said_of_routing.Health) -> settings.HealthRules:
    return settings.HealthRules(
        window_s=seconds(said.window),
        open_after=said.open_after,
        open_ratio=said.open_ratio,
        min_requests=said.min_requests,
        open_for_s=seconds(said.open_for),
        half_open=said.half_open,
        open_offers=said.open_offers,
        probe=settings.Probe(every_s=seconds(said.probe.every)) if said.probe else None,
    )


def alerts(said: process.Alerts, values: Mapping[str, str]) -> settings.Alerts:
    hook = said.webhook
    return settings.Alerts(
        shares=tuple(sorted(said.shares)),
        webhook=settings.Webhook(
            url=fill(hook.url, values), secret=Secret(fill(hook.secret, values)) if hook.secret else None
        )
        if hook
        else None,
    )


def records(said: process.Records) -> settings.Records:
    return settings.Records(keep_s=seconds(said.keep), bodies=said.bodies, bodies_keep_s=seconds(said.bodies_keep))


def reload(said: process.Reload) -> settings.Reload:
    return settings.Reload(
        poll_s=seconds(said.poll),
        max_shrink=said.max_shrink,
        keep_last_good=said.keep_last_good,
        run_tests=said.run_tests,
    )


def canary(said: process.Canary | None) -> settings.Canary | None:
    if said is None:
        return None
    return settings.Canary(
        config=said.config,
        share=said.share,
        sticky_by=said.sticky_by,
        window_s=seconds(said.window),
        min_requests=said.min_requests,
        max_error_increase=said.max_error_increase,
        max_latency_ratio=said.max_latency_ratio,
        max_cost_ratio=said.max_cost_ratio,
    )
