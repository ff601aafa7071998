"""The last words about a request: the row in the ledger, the numbers on the metrics page, and what the arms learn."""

from collections.abc import Iterable

import msgspec

from gateway.domain.answer import Usage
from gateway.domain.trail import Attempt
from gateway.flow.receipt import Receipt
from gateway.flow.sides import note_side
from gateway.routing.thompson import bucket, reward
from gateway.state.ledger.record import Bodies, meta_text, plain
from gateway.state.ledger.short import Values, whole
from gateway.state.money import nano_of

NOTHING_USED = Usage()
BODY_CHARS = 256 * 1024


def note_admitted(receipt: Receipt) -> None:
    """Before anything is sent: should the process die now, this row tells that something was under way."""
    visit, plan, ledger = receipt.visit, receipt.plan, receipt.gateway.ledger
    estimate = receipt.estimate_nano_usd = nano_of(plan.steps[0].cost_usd) if plan is not None and plan.steps else 0
    unix, key = visit.started_unix, visit.key
    name = "" if key is None else key.name
    common = ledger.origin, name, receipt.endpoint, receipt.ask.name or "", visit.snapshot.digest[:12]
    receipt.place = ledger.begin(visit.ulid, unix, unix + 2 * receipt.patience_s, estimate, common)


def account(receipt: Receipt) -> None:
    """Synchronous and once; called when the receipt is closed."""
    gateway, attempts, step, usage = receipt.gateway, receipt.trail.attempts, receipt.step, receipt.usage
    metrics, now = gateway.metrics, gateway.clock.monotonic()
    for attempt in attempts:
        metrics.attempted(attempt)
    if step is not None and usage is not None:
        offer = step.offer
        metrics.used(offer.provider, offer.model, usage, receipt.cost_usd)
        if attempts and attempts[-1].failure is None:
            teach(receipt, offer.name, attempts[-1], now)
    trial = gateway.canary.trial
    if trial is not None:
        note_side(receipt, trial)
    if receipt.estimate_nano_usd is not None:
        own, common = own_of(receipt, now), common_of(receipt)
        gateway.ledger.end(receipt.place, own, common)
        if gateway.traces is not None:
            gateway.traces.note(whole(own, common), attempts, receipt.visit.started, receipt.trace_parent)
        if receipt.said is not None:
            gateway.ledger.note(bodies_of(receipt, receipt.said))


def teach(receipt: Receipt, offer: str, last: Attempt, now: float) -> None:
    """What served is rewarded for being cheap and quick; what failed was taught when it failed."""
    ask, latency_ms = receipt.ask, last.ms
    if ask.stream and last.first_byte_ms is not None:
        latency_ms = last.first_byte_ms
    policy = ask.policy
    deadline_ms = receipt.visit.snapshot.defaults.max_latency_ms if policy is None else policy.max_latency_ms
    won = reward(receipt.cost_usd, latency_ms, deadline_ms)
    receipt.experience.arms.teach(offer, bucket(ask.input_tokens), won, now)


def own_of(receipt: Receipt, now: float) -> Values:
    """What the record of this request says, and hardly another: in the order of OWN_COLUMNS."""
    visit, attempts, usage, meta = receipt.visit, receipt.trail.attempts, receipt.usage, receipt.ask.meta
    used = NOTHING_USED if usage is None else usage
    return (
        visit.ulid,
        visit.started_unix,
        used.input_tokens,
        used.cache_read_tokens,
        used.cache_write_tokens,
        used.output_tokens,
        used.reasoning_tokens,
        used.audio_input_tokens,
        used.audio_output_tokens,
        used.image_tokens,
        receipt.estimate_nano_usd,
        nano_of(receipt.cost_usd),
        (now - visit.started) * 1000,
        attempts[-1].first_byte_ms if attempts else None,
        None if meta is None else meta_text(meta),
    )


def common_of(receipt: Receipt) -> Values:
    """What it has in common with many: in the order of COMMON_COLUMNS."""
    visit, attempts, step, usage = receipt.visit, receipt.trail.attempts, receipt.step, receipt.usage
    offer, key = None if step is None else step.offer, visit.key
    return (
        "" if key is None else key.name,
        receipt.endpoint,
        receipt.ask.name or "",
        "" if offer is None else offer.model,
        "" if offer is None else offer.provider,
        receipt.served_model,
        "" if step is None else step.reason,
        len(attempts),
        "released" if usage is None else "settled",
        receipt.status,
        receipt.error_code,
        usage is not None and usage.estimated,
        receipt.ask.stream,
        possibly_billed(attempts),
        visit.snapshot.digest[:12],
    )


def bodies_of(receipt: Receipt, said: list[bytes]) -> Bodies:
    """What was asked and answered, for operators who switched that on; bounded, and without any header."""
    ask = receipt.ask
    return Bodies(
        id=receipt.visit.ulid,
        unix=receipt.visit.started_unix,
        request=plain(msgspec.json.encode(ask.said or ask.payload).decode(), BODY_CHARS),
        answer=plain(b"".join(said).decode("utf-8", "replace"), BODY_CHARS),
    )


def possibly_billed(attempts: Iterable[Attempt]) -> bool:
    for attempt in attempts:  # noqa: SIM110 - most have one, and a generator costs more than that
        if attempt.failure is not None and attempt.failure.possibly_billed:
            return True
    return False
