"""THE LIFE OF A REQUEST: from an ask to an answer, whole or as a stream.

    enter -> understand -> [ decide -> admit -> attempt( exchange ) -> shape -> account ] -> answer

What stands in brackets is told here. `enter` came before, in this room; `understand` and `answer` belong to `web`.
"""

from typing import TypeVar

from gateway.domain.answer import Answer
from gateway.domain.ask import Ask
from gateway.domain.plan import Plan, Step
from gateway.domain.trail import Failure
from gateway.domain.visit import Visit
from gateway.flow.account import account, note_admitted
from gateway.flow.admit import admit
from gateway.flow.attempt import Bounds, GaveUp, Served, World, after, attempt
from gateway.flow.decide import decide, decide_aloud, dropped_fields
from gateway.flow.exchange import Exchange, Opened
from gateway.flow.gateway import Gateway, moment_of
from gateway.flow.give_up import give_up, resting
from gateway.flow.receipt import Receipt
from gateway.flow.shape import Send, ShapedStream, asking_for, shaped
from gateway.flow.usual import usual_of
from gateway.output.stream import needs_shaping
from gateway.routing.make_plan import make_plan
from gateway.routing.outline import QUIET
from gateway.routing.overflow import reduced_max_tokens

T = TypeVar("T")


def open_receipt(gateway: Gateway, visit: Visit, ask: Ask, endpoint: str) -> Receipt:
    """Whoever opens one closes it; closing is accounting."""
    gateway.in_flight += 1
    snapshot = visit.snapshot
    said: list[bytes] | None = [] if snapshot.records.bodies else None
    return Receipt(gateway, visit, ask, endpoint, gateway.experience_of(snapshot), account, said)


async def serve(receipt: Receipt) -> Answer:
    """One whole answer, or a RequestError."""
    now = receipt.gateway.clock.monotonic()
    plan = decided(receipt, now)
    if (waiting := admit(receipt, plan, now)) is not None:
        await waiting
    note_admitted(receipt)
    contract = receipt.ask.output
    send: Send = exchange_for(receipt, receipt.ask).whole
    if contract is not None:
        send = shaped(receipt, contract, lambda ask: exchange_for(receipt, ask))
    step, attempts = plan.steps[0], 1
    answer = await send(step)
    if type(answer) is Failure:
        served = kept(receipt, await after(answer, send, plan, *means_of(receipt, plan)))
        step, answer, attempts = served.step, served.value, served.attempts
    receipt.answered(step, answer, attempts)
    receipt.dropped = dropped_fields(receipt.visit.snapshot, receipt.ask, step)
    return answer


async def serve_stream(receipt: Receipt) -> Opened:
    """A stream that has shown its first content, or a RequestError; whoever takes it must end it."""
    now = receipt.gateway.clock.monotonic()
    plan = decided(receipt, now)
    if (waiting := admit(receipt, plan, now)) is not None:
        await waiting
    note_admitted(receipt)
    contract = receipt.ask.output

    async def send(step: Step) -> Opened | Failure:
        ask = receipt.ask if contract is None else asking_for(receipt.ask, contract, step)
        return await exchange_for(receipt, ask).opened(step)

    served = kept(receipt, await attempt(send, plan, lambda: means_of(receipt, plan)))
    opened = served.value
    receipt.opened(served.step, opened, served.attempts)
    receipt.dropped = dropped_fields(receipt.visit.snapshot, receipt.ask, served.step)
    if contract is not None and needs_shaping(contract):
        opened.shown = ShapedStream(opened.live, contract, receipt.gateway.judge)
    return opened


def decided(receipt: Receipt, now: float) -> Plan:
    """The outline that is kept of such requests, filled in; a plan of its own where that does not hold."""
    gateway, snapshot, ask, health = receipt.gateway, receipt.visit.snapshot, receipt.ask, receipt.experience.health
    usual, patience = None if receipt.wants_trace else usual_of(snapshot, ask), None
    if usual is None:
        choose = decide_aloud if receipt.wants_trace else decide
        plan = choose(snapshot, moment_of(gateway, snapshot), ask)
    elif health.is_well(usual.offers, usual.providers, now) and usual.providers.isdisjoint(
        gateway.overrides.disabled_providers
    ):
        outline, patience = usual.outline, usual.patience_s
        receipt.ceilings = usual.ceilings
        plan = outline.filled_in(ask, QUIET if outline.settled else moment_of(gateway, snapshot))
    else:
        plan = make_plan(snapshot, moment_of(gateway, snapshot), ask)
    receipt.plan = plan
    if plan.turn is not None:
        gateway.turns.took(plan.turn)
    if not plan.healthy and not health.may_try_anyway(now, plan.asked):
        raise resting(plan, moment_of(gateway, snapshot))
    receipt.patience_s = patience_s(receipt, plan) if patience is None else patience
    return plan


def exchange_for(receipt: Receipt, ask: Ask) -> Exchange:
    visit = receipt.visit
    until = visit.started + receipt.patience_s
    return Exchange(receipt.gateway, receipt.experience, visit, ask, receipt.trail, until)


def patience_s(receipt: Receipt, plan: Plan) -> float:
    """How long the caller waits: by their own policy, else as long as the most patient of the providers."""
    policy = receipt.ask.policy
    if policy is not None:
        return policy.max_latency_ms / 1000
    providers, longest_s = receipt.visit.snapshot.table.providers, 0.0
    for step in plan.steps:
        total_s = providers[step.offer.provider].timeouts.total_s
        if total_s > longest_s:
            longest_s = total_s
    return longest_s


def bounds_of(receipt: Receipt, plan: Plan) -> Bounds:
    """A chain that somebody wrote down is walked to its end; any other stops at the configured number of attempts."""
    retries = receipt.visit.snapshot.routing.retries
    ask = receipt.ask
    written_down = plan.kind == "wildcard" or ask.fallback is not None
    return Bounds(
        max_attempts=max(retries.max_attempts, len(plan.steps)) if written_down else retries.max_attempts,
        per_offer=retries.per_offer,
        backoff_s=retries.backoff_s,
        until=receipt.visit.started + receipt.patience_s,
        shrunk=lambda step: reduced_max_tokens(step.offer, ask.input_tokens, ask.output_tokens),
    )


def means_of(receipt: Receipt, plan: Plan) -> tuple[Bounds, World]:
    return bounds_of(receipt, plan), receipt.experience.world


def kept(receipt: Receipt, outcome: Served[T] | GaveUp) -> Served[T]:
    if isinstance(outcome, GaveUp):
        raise give_up(outcome, receipt.trail, receipt.ask)
    return outcome
