"""The last words about a request: the row in the ledger, the numbers on the metrics page, and what the arms learn."""

from collections.abc import Iterable

import msgspec

from gateway.domain.answer import Usage
from gateway.domain.trail import Attempt
from gateway.flow.receipt import Receipt
from gateway.flow.sides import note_side
from gateway.routing.thompson import bucket, reward
from gateway.state.ledger.record import Admitted, Bodies, Record, meta_text, plain
from gateway.state.money import nano_of

NOTHING_USED = Usage()
BODY_CHARS = 256 * 1024


def note_admitted(receipt: Receipt) -> None:
    """Before anything is sent: should the process die now, this row tells that something was under way."""
    visit, plan, ledger = receipt.visit, receipt.plan, receipt.gateway.ledger
    admission = receipt.admission = Admitted(
        visit.ulid,
        visit.started_unix,
        visit.started_unix + 2 * receipt.patience_s,
        ledger.origin,
        visit.key.name if visit.key else "",
        receipt.endpoint,
        plain(receipt.ask.name or ""),
        visit.snapshot.digest[:12],
        nano_of(plan.steps[0].cost_usd) if plan is not None and plan.steps else 0,
    )
    ledger.note(admission)


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
    admission = receipt.admission
    if admission is not None:
        record = record_of(receipt, admission, now)
        gateway.ledger.note(record)
        if gateway.traces is not None:
            gateway.traces.note(record, attempts, receipt.visit.started, receipt.trace_parent)
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


def record_of(receipt: Receipt, admission: Admitted, now: float) -> Record:
    """In the order of its fields: to name thirty of them for every request costs more than all the rest of this."""
    usage, attempts, step = receipt.usage, receipt.trail.attempts, receipt.step
    used = NOTHING_USED if usage is None else usage
    model, provider, reason = ("", "", "") if step is None else (step.offer.model, step.offer.provider, step.reason)
    meta = receipt.ask.meta
    return Record(
        admission.id,
        admission.unix,
        admission.key,
        admission.endpoint,
        admission.asked,
        model,
        provider,
        plain(receipt.served_model),
        reason,
        len(attempts),
        "released" if usage is None else "settled",
        receipt.status,
        receipt.error_code,
        used.input_tokens,
        used.cache_read_tokens,
        used.cache_write_tokens,
        used.output_tokens,
        used.reasoning_tokens,
        used.audio_input_tokens,
        used.audio_output_tokens,
        used.image_tokens,
        used.estimated,
        admission.estimate_nano_usd,
        nano_of(receipt.cost_usd),
        (now - receipt.visit.started) * 1000,
        attempts[-1].first_byte_ms if attempts else None,
        receipt.ask.stream,
        possibly_billed(attempts),
        admission.config,
        None if meta is None else meta_text(meta),
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
