"""Turn what a test or a command line supposes into an ask and a moment."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from gateway.config.permits import Permits
from gateway.config.shape.proving import TrialAsk, TrialMoment
from gateway.config.shape.words import seconds
from gateway.domain.ask import Ask, Policy
from gateway.domain.key import Key
from gateway.domain.moment import Moment, Vitals
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Table
from gateway.routing.estimate import at_least_hint, input_tokens

NOW = 1_000_000.0
"""Monotonic seconds of every supposed moment: they mean nothing but "long after the start"."""
AWAY_S = 30.0
"""How long what is down or rate limited stays away."""
SAMPLES = 100

ID = "0" * 26

PARTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "vision": {"type": "image_url", "image_url": {"url": "data:image/png;base64,", "detail": "low"}},
        "audio": {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
    }
)
FIELDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "tools": {"tools": [{"type": "function", "function": {"name": "supposed", "parameters": {"type": "object"}}}]},
        "json_schema": {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "supposed", "schema": {"type": "object"}},
            }
        },
        "dimensions": {"dimensions": 256},
    }
)
"""What a body says that needs a feature."""

ENDPOINTS = ("chat", "completions", "embeddings")


def ask_of(snapshot: Snapshot, said: TrialAsk, *, request_id: str = ID) -> Ask:
    """Names a policy by any of the things only a policy has."""
    endpoint = said.endpoint or "chat"
    payload = body_of(said)
    policy = policy_of(snapshot, said) if is_policy(said) else None
    return Ask(
        endpoint=endpoint,
        surface="openai" if policy is None else "policy",
        name=said.model if policy is None else policy.hint,
        payload=payload,
        request_id=request_id,
        key=key_of(snapshot, said),
        strategy=said.strategy if policy is None else None,
        fallback=said.fallback if policy is None else None,
        policy=policy,
        features=frozenset(said.features) - frozenset(ENDPOINTS),
        input_tokens=at_least_hint(input_tokens(payload), said.input_tokens),
        output_tokens=0 if endpoint == "embeddings" else said.output_tokens,
        stream=said.stream,
    )


def is_policy(said: TrialAsk) -> bool:
    return any(
        one is not None for one in (said.mode, said.hint, said.max_budget_usd, said.max_latency_ms, said.min_weight)
    )


def policy_of(snapshot: Snapshot, said: TrialAsk) -> Policy:
    """What is left out or 0 is the configuration's default."""
    defaults = snapshot.defaults
    return Policy(
        mode=said.mode or defaults.mode,
        max_budget_usd=said.max_budget_usd or defaults.max_budget_usd,
        max_latency_ms=said.max_latency_ms or defaults.max_latency_ms,
        min_weight=said.min_weight or 0.0,
        hint=said.hint or said.model,
    )


def key_of(snapshot: Snapshot, said: TrialAsk) -> Key | None:
    return snapshot.keys[said.key] if said.key is not None else None


def body_of(said: TrialAsk) -> dict[str, Any]:
    """The shortest body that asks this, in OpenAI's words."""
    body: dict[str, Any] = {} if said.model is None else {"model": said.model}
    match said.endpoint:
        case "embeddings":
            body["input"] = "-"
        case "completions":
            body["prompt"] = "-"
        case _:
            parts = [PARTS[feature] for feature in said.features if feature in PARTS]
            text = {"type": "text", "text": "-"}
            body["messages"] = [{"role": "user", "content": [text, *parts] if parts else "-"}]
    if said.output_tokens is not None and said.endpoint != "embeddings":
        body["max_tokens"] = said.output_tokens
    if said.stream:
        body["stream"] = True
    for feature in said.features:
        body |= FIELDS.get(feature, {})
    return body


class Names:
    """Which offers a name stands for: a provider's are all it has, an alias's all it can lead to."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._permits: Permits | None = None

    def offers_of(self, name: str) -> Iterable[str]:
        if name in self._table.providers:
            return [offer.name for offer in self._table.cheapest_first if offer.provider == name]
        if self._permits is None:
            self._permits = Permits(self._table)
            for _ in self._permits.prepare():
                pass
        return self._permits.of_pattern(name)


def moment_of_trial(snapshot: Snapshot, said: TrialMoment, names: Names, unix: float) -> Moment:
    """Everything is well but for what is said."""
    offers: dict[str, Vitals] = {}
    providers: dict[str, Vitals] = {}

    def note(name: str, **change: Any) -> None:
        for offer in names.offers_of(name):
            offers[offer] = replace(offers.get(offer, Vitals()), samples=SAMPLES, **change)

    def note_absence(absent: Iterable[str], **change: Any) -> None:
        for name in absent:
            if name in snapshot.table.providers:
                providers[name] = replace(providers.get(name, Vitals()), **change)
            else:
                note(name, **change)

    note_absence(said.down, open_until=NOW + AWAY_S, trials_left=0)
    note_absence(said.rate_limited, cooldown_until=NOW + AWAY_S)
    for name, latency in said.latency.items():
        note(name, latency_ms=seconds(latency) * 1000)
    for name, rate in said.error_rate.items():
        note(name, error_rate=rate)
    time = unix if said.time is None else datetime.fromisoformat(said.time).timestamp()
    return Moment(now=NOW, unix=time, offers=MappingProxyType(offers), providers=MappingProxyType(providers))
