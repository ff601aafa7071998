"""THE LIFE OF A REQUEST: from an ask to an answer, whole or as a stream.

    enter -> understand -> [ decide -> admit -> attempt( exchange ) -> account ] -> answer

What stands in brackets is told here. `enter` came before, in this room; `understand` and `answer` belong to `web`.
"""

from typing import TypeVar

from gateway.domain.answer import Answer
from gateway.domain.plan import Plan
from gateway.errors import RequestError
from gateway.flow.admit import admit
from gateway.flow.attempt import Bounds, GaveUp, Served, attempt
from gateway.flow.decide import decide
from gateway.flow.exchange import Exchange, Opened
from gateway.flow.gateway import moment_of
from gateway.flow.give_up import give_up
from gateway.flow.receipt import Receipt

T = TypeVar("T")


async def serve(receipt: Receipt) -> Answer:
    """One whole answer, or a RequestError."""
    plan = await decided(receipt)
    outcome = await attempt(exchange_of(receipt, plan).whole, plan, bounds_of(receipt, plan), receipt.gateway.world)
    served = kept(receipt, outcome)
    receipt.answered(served.step, served.value, served.attempts)
    return served.value


async def serve_stream(receipt: Receipt) -> Opened:
    """A stream that has shown its first content, or a RequestError; whoever takes it must end it."""
    plan = await decided(receipt)
    outcome = await attempt(exchange_of(receipt, plan).opened, plan, bounds_of(receipt, plan), receipt.gateway.world)
    served = kept(receipt, outcome)
    receipt.opened(served.step, served.value, served.attempts)
    return served.value


async def decided(receipt: Receipt) -> Plan:
    """The plan, and the caller's right to have it carried out."""
    gateway = receipt.gateway
    plan = decide(receipt.visit.snapshot, moment_of(gateway), receipt.ask)
    receipt.plan = plan
    if plan.turn is not None:
        gateway.turns.took(plan.turn)
    if not plan.healthy and not gateway.health.may_try_anyway(gateway.clock.monotonic(), plan.asked):
        raise RequestError(
            "no_provider",
            "no_healthy_provider",
            f"Every provider of `{plan.asked[:64]}` is failing. Try again shortly.",
            provider=plan.steps[0].offer.provider if plan.steps else None,
            retry_after_s=plan.retry_after_s,
        )
    await admit(receipt, plan, deadline_of(receipt, plan) - receipt.visit.started)
    return plan


def exchange_of(receipt: Receipt, plan: Plan) -> Exchange:
    return Exchange(receipt.gateway, receipt.visit, receipt.ask, receipt.trail, deadline_of(receipt, plan))


def deadline_of(receipt: Receipt, plan: Plan) -> float:
    """When the caller stops waiting: by their own policy, else after the longest patience among the providers."""
    policy = receipt.ask.policy
    started = receipt.visit.started
    if policy is not None:
        return started + policy.max_latency_ms / 1000
    providers = receipt.visit.snapshot.table.providers
    return started + max(providers[step.offer.provider].timeouts.total_s for step in plan.steps)


def bounds_of(receipt: Receipt, plan: Plan) -> Bounds:
    """A chain that somebody wrote down is walked to its end; any other stops at the configured number of attempts."""
    retries = receipt.visit.snapshot.routing.retries
    written_down = plan.kind == "wildcard" or receipt.ask.fallback is not None
    return Bounds(
        max_attempts=max(retries.max_attempts, len(plan.steps)) if written_down else retries.max_attempts,
        per_offer=retries.per_offer,
        backoff_s=retries.backoff_s,
        until=deadline_of(receipt, plan),
    )


def kept(receipt: Receipt, outcome: Served[T] | GaveUp) -> Served[T]:
    if isinstance(outcome, GaveUp):
        raise give_up(outcome, receipt.trail, receipt.ask)
    return outcome
