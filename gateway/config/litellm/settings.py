"""`router_settings`, `litellm_settings`, `general_settings`: how offers are chosen, what is shared, who may call."""

import hashlib
import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gateway.config.litellm.places import Patience, duration
from gateway.config.litellm.sheet import Sheet

STRATEGIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "simple-shuffle": ("round-robin", "rotation by weight, not by lot"),
        "least-busy": ("latency", "the quickest offer: one that is busy answers later"),
        "usage-based-routing": ("round-robin", "rotation by weight; a provider that is at its limit is passed over"),
        "usage-based-routing-v2": ("round-robin", "rotation by weight; a provider that is at its limit is passed over"),
        "latency-based-routing": ("latency", ""),
        "cost-based-routing": ("cost", ""),
        "lowest-cost": ("cost", ""),
    }
)
MOST_RETRIES = 10


def patience_of(router: Sheet, litellm: Sheet) -> Patience:
    return Patience(
        total_s=_either(router, litellm, "timeout", "request_timeout"),
        stream_s=router.number("stream_timeout"),
    )


def defaults_of(router: Sheet, litellm: Sheet, general: Sheet, names: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {"strategy": "round-robin"}
    strategy = router.text("routing_strategy")
    if strategy is not None:
        ours, why = STRATEGIES.get(strategy, ("round-robin", f"there is no strategy like `{strategy}`"))
        said["strategy"] = ours
        if why:
            router.note("approximated", "routing_strategy", f"`{ours}`: {why}")
    if litellm.flag("drop_params"):
        said["unsupported_parameters"] = "drop"
    model = general.text("completion_model")
    if model is not None and model in names:
        said["default_model"] = names[model]
    elif model is not None:
        general.note("lost", "completion_model", f"there is no model `{model}` here")
    return said


def routing_of(router: Sheet, litellm: Sheet, general: Sheet) -> dict[str, Any]:
    retries, health = _retries(router, litellm), _health(router, litellm, general)
    return ({"retries": retries} if retries else {}) | ({"health": health} if health else {})


def _retries(router: Sheet, litellm: Sheet) -> dict[str, Any]:
    said: dict[str, Any] = {}
    number = _either(router, litellm, "num_retries")
    if number is not None:
        said["per_offer"] = min(MOST_RETRIES, max(0, int(number)))
        said["max_attempts"] = max(3, said["per_offer"] + 2)
    pause = router.number("retry_after")
    if pause:
        said["backoff"] = duration(pause)
    return said


def _health(router: Sheet, litellm: Sheet, general: Sheet) -> dict[str, Any]:
    said: dict[str, Any] = {}
    fails, rest = _either(router, litellm, "allowed_fails"), _either(router, litellm, "cooldown_time")
    if fails is not None:
        said["open_after"] = max(1, int(fails) + 1)
        sheet = router if "allowed_fails" in router.entries else litellm
        sheet.note("approximated", "allowed_fails", "failures in a row, not within a minute")
    if rest:
        said["open_for"] = duration(rest)
    if router.flag("disable_cooldowns"):
        said["open_after"] = 10_000
        router.note("approximated", "disable_cooldowns", "an offer rests after ten thousand failures in a row only")
    if general.flag("background_health_checks"):
        every = general.number("health_check_interval")
        said["probe"] = {"every": duration(every)} if every else {}
    return said


def _either(one: Sheet, other: Sheet, name: str, other_name: str | None = None) -> float | None:
    first, second = one.number(name), other.number(other_name or name)
    if first is not None and second is not None:
        other.note("lost", other_name or name, "what the router says comes first")
    return second if first is None else first


def state_of(router: Sheet) -> str | None:
    """The Redis that routers share; one that only caches is told among the rest."""
    url = router.secret("redis_url", "REDIS_URL")
    if url is not None:
        return url
    host = router.text("redis_host")
    if host is None:
        return None
    port, password = router.text("redis_port"), router.secret("redis_password", "REDIS_PASSWORD")
    scheme = "rediss" if router.flag("redis_ssl") else "redis"
    return f"{scheme}://{f':{password}@' if password else ''}{host}:{port or 6379}/0"


def ledger_of(general: Sheet) -> str | None:
    url = general.secret("database_url", "DATABASE_URL")
    if url is not None:
        general.note("approximated", "database_url", "the ledger makes its own tables; spend so far is not taken over")
    return url


def server_of(general: Sheet) -> dict[str, Any]:
    at_once, size = general.number("global_max_parallel_requests"), general.number("max_request_size_mb")
    said: dict[str, Any] = {} if not at_once or at_once < 1 else {"max_in_flight": min(int(at_once), 1_000_000)}
    return said | ({"max_body": f"{math.ceil(size)}MiB"} if size and size > 0 else {})


def records_of(general: Sheet) -> dict[str, Any]:
    """`90d` means the same here."""
    kept = general.text("maximum_spend_logs_retention_period")
    if kept is not None and not re.fullmatch(r"[1-9]\d{0,5}[smhd]", kept):
        general.note("lost", "maximum_spend_logs_retention_period", "expected a time such as `90d`")
        return {}
    return {} if kept is None else {"keep": kept}


def keys_of(general: Sheet) -> list[dict[str, Any]]:
    """A key that is written out goes on working: its digest is enough."""
    node = general.take("master_key")
    if node is None:
        return []
    text = general.text("master_key")
    if text is None:
        return []
    if text.startswith("${env:"):
        variable = text.removeprefix("${env:").partition("}")[0].partition(":-")[0]
        why = f"start with TOKENHUB_ADMIN_TOKEN=${variable} for the admin API; `tokenhub keys new NAME` for callers"
        general.note("secret", "master_key", why)
        return []
    why = "only its digest is here, as the key `master`; set TOKENHUB_ADMIN_TOKEN, and give callers keys of their own"
    general.note("secret", "master_key", why)
    scopes = ["chat", "embeddings", "models", "explain", "admin"]
    return [{"name": "master", "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest(), "scopes": scopes}]
