"""Worlds written in YAML, for cases that are read as a table: what is left out is filled in."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gateway.domain.ask import Ask, Policy
from gateway.domain.key import Key
from gateway.domain.moment import Arm, Ladder, Moment, Vitals
from gateway.domain.plan import Plan, Step
from gateway.domain.settings import Defaults, HealthRules
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Offer, Plain, Price, Share, Split, Tier
from gateway.errors import RequestError
from tests.builders import a_moment, a_provider, a_snapshot, a_table, an_ask, an_offer

Yaml = Mapping[str, Any]


def an_offer_of(name: str, said: Yaml) -> Offer:
    provider, model = name.split("/", 1)
    given = dict(said)
    if given.pop("unpriced", False):
        given["price"] = None
    if "capabilities" in given:
        given["capabilities"] = frozenset(given["capabilities"])
    if "weight" in given:
        given["weight"] = float(given["weight"])
    if "price" in given and given["price"] is not None:
        given["price"] = Price(**given["price"])
    return an_offer(model, provider, **given)


def an_alias(name: str, said: Any) -> Alias:
    if isinstance(said, str):
        return Alias(name=name, meaning=Plain(target=said))
    enabled = said.get("enabled", True)
    if "alias" in said:
        return Alias(name=name, meaning=Plain(target=said["alias"]), enabled=enabled)
    if "split" in said:
        shares = tuple(Share(model=model, weight=weight) for model, weight in said["split"].items())
        return Alias(
            name=name, meaning=Split(shares=shares, sticky_by=said.get("sticky_by", "request")), enabled=enabled
        )
    tier = Tier(models=tuple(said["tier"]), strategy=said.get("strategy"), ordered=said.get("ordered", False))
    return Alias(name=name, meaning=tier, enabled=enabled)


def a_world(said: Yaml) -> Snapshot:
    table = a_table(
        [an_offer_of(name, offer or {}) for name, offer in said["offers"].items()],
        aliases={name: an_alias(name, alias) for name, alias in said.get("aliases", {}).items()},
        fallbacks={name: tuple(chain) for name, chain in said.get("fallbacks", {}).items()},
        wildcard_models=tuple(said.get("wildcard_models", ())),
        providers=[a_provider(name, enabled=False) for name in said.get("disabled_providers", ())],
    )
    off = set(said.get("disabled_models", ()))
    models = {name: replace(model, enabled=name not in off) for name, model in table.models.items()}
    snapshot = a_snapshot(replace(table, models=models), defaults=Defaults(**said.get("defaults", {})))
    health = HealthRules(open_offers=said.get("open_offers", "last"))
    return replace(snapshot, routing=replace(snapshot.routing, health=health))


def a_moment_of(said: Yaml) -> Moment:
    ladder = said.get("ladder")
    return a_moment(
        offers={name: Vitals(**seen) for name, seen in said.get("offers", {}).items()},
        providers={name: Vitals(**seen) for name, seen in said.get("providers", {}).items()},
        disabled_providers=frozenset(said.get("disabled", ())),
        turns=said.get("turns", {}),
        chance=said.get("chance", 0),
        arms={
            (name, size): Arm(alpha=alpha, beta=beta)
            for name, sizes in said.get("arms", {}).items()
            for size, (alpha, beta) in sizes.items()
        },
        ladder=None if ladder is None else Ladder(models=tuple(ladder), source="api"),
    )


def an_ask_of(said: Yaml) -> Ask:
    given = dict(said)
    name = given.pop("model", None)
    if "fallback" in given:
        given["fallback"] = tuple(given["fallback"])
    if "features" in given:
        given["features"] = frozenset(given["features"])
    if "unsupported" in given:
        told = {name: tuple(fields) for name, fields in given["unsupported"].items()}
        given["unsupported"] = defaultdict(tuple, told)
    if "policy" in given:
        bounds = {"mode": "normal", "max_budget_usd": 0.05, "max_latency_ms": 20_000, "min_weight": 0.0}
        given |= {"surface": "policy", "policy": Policy(**(bounds | given["policy"]))}
    if "key" in given:
        key = given["key"]
        given["key"] = Key(name=key["name"], digests=(), scopes=frozenset(), offers=_names(key.get("offers")))
    return an_ask(name, **given)


def _names(offers: list[str] | None) -> frozenset[str] | None:
    return None if offers is None else frozenset(offers)


def told(plan: Plan) -> dict[str, Any]:
    """A plan as a reviewer reads it."""
    parts: dict[str, Any] = {
        "kind": plan.kind,
        "alias_from": plan.alias_from,
        "turn": plan.turn,
        "steps": [_step(step) for step in plan.steps],
        "wider": [step.offer.name for step in plan.wider],
        "refused": [f"{each.name} [{each.rule}] {each.why}" for each in plan.refused],
        "retry_after_s": plan.retry_after_s,
    }
    kept = {name: part for name, part in parts.items() if part}
    return kept if plan.healthy or not plan.steps else kept | {"healthy": False}


def told_error(error: RequestError) -> dict[str, Any]:
    parts = {
        "error": error.kind,
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "retry_after_s": error.retry_after_s,
        "refused": [f"{each['name']} [{each['rule']}] {each['why']}" for each in error.facts.get("refused", ())]
        or None,
    }
    return {name: part for name, part in parts.items() if part is not None}


def _step(step: Step) -> str:
    score = f" score {step.score.total:.6f}" if step.score else ""
    draw = f" draw {step.draw:.6f}" if step.draw is not None else ""
    standing = "" if step.standing == "well" else f" ({step.standing})"
    return f"{step.offer.name} {step.reason} {step.cost_usd:.6f} USD{score}{draw}{standing}"
