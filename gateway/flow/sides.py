"""Two configurations side by side: what each learns for itself, and what one request says about the one it saw."""

from gateway.domain.settings import Canary as Rules
from gateway.domain.snapshot import Snapshot
from gateway.flow.canary import Around
from gateway.flow.canary_fleet import pass_on, seen_by_others
from gateway.flow.gateway import Gateway
from gateway.flow.receipt import INTERNAL, Receipt
from gateway.flow.trial import Trial
from gateway.flow.upkeep import adopt_all, let_go
from gateway.flow.world import world_of
from gateway.state.arms import Arms, read_arms
from gateway.state.retry_budget import RetryBudget

OF_THE_CONFIGURATION = frozenset(
    {
        "context_length_exceeded",
        "model_not_found",
        "provider_rate_limited",
        "unsupported_endpoint",
        "unsupported_feature",
        "unsupported_parameter",
    }
)
"""Refusals below 500 in which a configuration has a part; all others are between us and the caller."""
NOBODYS = frozenset({"draining", "overloaded", "server_shutdown"})


def around(gateway: Gateway) -> Around:
    return Around(
        begin=lambda snapshot, rules: begin_trial(gateway, snapshot, rules),
        adopt=lambda snapshot: adopt_all(gateway, snapshot),
        let_go=lambda: let_go(gateway, gateway.live.current),
        told=lambda outcome: gateway.metrics.candidate_is(
            outcome, "" if gateway.live.candidate is None else gateway.live.candidate.digest
        ),
        judges=gateway.seat.first,
        others=lambda versions: seen_by_others(gateway, versions),
        pass_on=lambda decision: pass_on(gateway, decision),
    )


def begin_trial(gateway: Gateway, snapshot: Snapshot, rules: Rules) -> Trial:
    """It begins with what is known of all that it shares with the configuration that serves."""
    clock, routing, ours = gateway.clock, snapshot.routing, gateway.live.current.table
    table, now, unix = snapshot.table, clock.monotonic(), clock.unix()
    same = [
        name
        for name, provider in table.providers.items()
        if name in ours.providers and ours.providers[name].identity == provider.identity
    ]
    offers = [
        offer.name
        for offer in table.cheapest_first
        if offer.provider in same and offer.name in ours.offers and ours.offers[offer.name].id == offer.id
    ]
    health = gateway.health.twin(routing.health, offers, same)
    arms = Arms(routing.thompson.half_life_s)
    arms.restore(read_arms(gateway.arms.dump(now, unix)), now, unix)
    arms.adopt(routing.thompson.half_life_s, offers, now)
    budget = RetryBudget(routing.retries.budget)
    return Trial(
        snapshot=snapshot,
        rules=rules,
        began=now,
        began_unix=unix,
        health=health,
        arms=arms,
        retry_budget=budget,
        world=world_of(clock, budget, health),
    )


def note_side(receipt: Receipt, trial: Trial) -> None:
    """A few microseconds, and only while there is a trial."""
    gateway = receipt.gateway
    side = trial.side_of(receipt.visit.snapshot, gateway.live.current)
    failed = None if side is None else has_failed(receipt)
    if side is None or failed is None:
        return
    score = trial.scores[side]
    if failed:
        score.failed_once()
    else:
        score.served(seconds_of(receipt), receipt.cost_usd)
    gateway.metrics.tried(side, failed=failed)


def has_failed(receipt: Receipt) -> bool | None:
    """None where it says nothing about the configuration."""
    ending, code = receipt.ending, receipt.error_code
    if ending == "ok":
        return False
    if ending == "client_closed" or code in NOBODYS:
        return None
    return True if receipt.status >= INTERNAL or ending == "broken" or code in OF_THE_CONFIGURATION else None


def seconds_of(receipt: Receipt) -> float:
    """From the first call to the end of the answer, or to the first byte of a stream."""
    attempts = receipt.trail.attempts
    if not attempts:
        return 0.0
    last = attempts[-1]
    ms = last.first_byte_ms if receipt.ask.stream and last.first_byte_ms is not None else last.ms
    return last.started - attempts[0].started + ms / 1000
