"""The last words about a request: the row in the ledger, the numbers on the metrics page, and what the arms learn."""

import msgspec

from gateway.domain.answer import Usage
from gateway.domain.trail import Attempt
from gateway.flow.receipt import Receipt
from gateway.flow.sides import note_side
from gateway.routing.thompson import bucket, reward
from gateway.state.ledger.record import Admitted, Bodies, Outcome, Record, meta_text, plain
from gateway.state.money import nano_of

NOTHING_USED = Usage()
BODY_CHARS = 256 * 1024


def note_admitted(receipt: Receipt) -> None:
    """Before anything is sent: should the process die now, this row tells that something was under way."""
    visit, plan = receipt.visit, receipt.plan
    receipt.gateway.ledger.note(
        Admitted(
            id=visit.ulid,
            unix=visit.started_unix,
            expires_unix=visit.started_unix + 2 * receipt.patience_s,
            origin=receipt.gateway.ledger.origin,
            key=visit.key.name if visit.key else "",
            endpoint=receipt.endpoint,
            asked=plain(receipt.ask.name or ""),
            config=visit.snapshot.digest[:12],
            estimate_nano_usd=nano_of(plan.steps[0].cost_usd) if plan is not None and plan.steps else 0,
        )
    )
    receipt.admitted = True


def account(receipt: Receipt) -> None:
    """Synchronous and once; called when the receipt is closed."""
    gateway = receipt.gateway
    for attempt in receipt.trail.attempts:
        gateway.metrics.attempted(attempt)
    step, usage = receipt.step, receipt.usage
    if step is not None and usage is not None:
        gateway.metrics.used(step.offer.provider, step.offer.model, usage, receipt.cost_usd)
        teach(receipt)
    trial = gateway.canary.trial
    if trial is not None:
        note_side(receipt, trial)
    if receipt.admitted:
        record = record_of(receipt)
        gateway.ledger.note(record)
        if gateway.traces is not None:
            gateway.traces.note(record, receipt.trail.attempts, receipt.visit.started, receipt.trace_parent)
        if receipt.said is not None:
            gateway.ledger.note(bodies_of(receipt, receipt.said))


def teach(receipt: Receipt) -> None:
    """What served is rewarded for being cheap and quick; what failed was taught when it failed."""
    step, attempts = receipt.step, receipt.trail.attempts
    if step is None or not attempts or attempts[-1].failure is not None:
        return
    ask, last = receipt.ask, attempts[-1]
    latency_ms = last.first_byte_ms if ask.stream and last.first_byte_ms is not None else last.ms
    deadline_ms = ask.policy.max_latency_ms if ask.policy else receipt.visit.snapshot.defaults.max_latency_ms
    won = reward(receipt.cost_usd, latency_ms, deadline_ms)
    receipt.experience.arms.teach(step.offer.name, bucket(ask.input_tokens), won, receipt.gateway.clock.monotonic())


def record_of(receipt: Receipt) -> Record:
    visit, ask, step, plan = receipt.visit, receipt.ask, receipt.step, receipt.plan
    usage = receipt.usage or NOTHING_USED
    first = receipt.trail.attempts[-1].first_byte_ms if receipt.trail.attempts else None
    return Record(
        id=visit.ulid,
        unix=visit.started_unix,
        key=visit.key.name if visit.key else "",
        endpoint=receipt.endpoint,
        asked=plain(ask.name or ""),
        model=step.offer.model if step else "",
        provider=step.offer.provider if step else "",
        served=plain(receipt.served_model),
        reason=step.reason if step else "",
        attempts=len(receipt.trail.attempts),
        outcome=outcome_of(receipt),
        status=receipt.status,
        error=receipt.error_code,
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        audio_input_tokens=usage.audio_input_tokens,
        audio_output_tokens=usage.audio_output_tokens,
        image_tokens=usage.image_tokens,
        usage_estimated=usage.estimated,
        estimate_nano_usd=nano_of(plan.steps[0].cost_usd) if plan is not None and plan.steps else 0,
        cost_nano_usd=nano_of(receipt.cost_usd),
        latency_ms=(receipt.gateway.clock.monotonic() - visit.started) * 1000,
        first_token_ms=first,
        stream=ask.stream,
        possibly_billed=any(map(possibly_billed, receipt.trail.attempts)),
        config=visit.snapshot.digest[:12],
        meta=meta_text(ask.meta),
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


def outcome_of(receipt: Receipt) -> Outcome:
    return "released" if receipt.usage is None else "settled"


def possibly_billed(attempt: Attempt) -> bool:
    return attempt.failure is not None and attempt.failure.possibly_billed
