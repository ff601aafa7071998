"""The last words about a request: the row in the ledger, the numbers on the metrics page, and what the arms learn."""

from collections.abc import Iterable, Mapping
from typing import Any

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
    common = ledger.origin, name, receipt.endpoint, receipt.ask.name or "", visit.snapshot.short_digest
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
        own, common = values_of(receipt, now)
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


def values_of(receipt: Receipt, now: float) -> tuple[Values, Values]:
    """What the record of this request says, and hardly another; and what it has in common with many.

    In the order of PLAIN_COLUMNS, or of OWN_COLUMNS where that says more; and of COMMON_COLUMNS.
    """
    visit, ask, attempts = receipt.visit, receipt.ask, receipt.trail.attempts
    key, step, usage = visit.key, receipt.step, receipt.usage
    used = NOTHING_USED if usage is None else usage
    own: Values = (
        visit.ulid,
        visit.started_unix,
        used.input_tokens,
        used.output_tokens,
        receipt.estimate_nano_usd,
        nano_of(receipt.cost_usd),
        (now - visit.started) * 1000,
        attempts[-1].first_byte_ms if attempts else None,
    )
    if (
        ask.meta is not None
        or used.cache_read_tokens
        or used.cache_write_tokens
        or used.reasoning_tokens
        or used.audio_input_tokens
        or used.audio_output_tokens
        or used.image_tokens
    ):
        own = in_full(own, used, ask.meta)
    offer = None if step is None else step.offer
    common = (
        "" if key is None else key.name,
        receipt.endpoint,
        ask.name or "",
        "" if offer is None else offer.model,
        "" if offer is None else offer.provider,
        receipt.served_model,
        "" if step is None else step.reason,
        len(attempts),
        "released" if usage is None else "settled",
        receipt.status,
        receipt.error_code,
        used.estimated,
        ask.stream,
        possibly_billed(attempts),
        visit.snapshot.short_digest,
    )
    return own, common


def in_full(own: Values, used: Usage, meta: Mapping[str, Any] | None) -> Values:
    ulid, unix, input_tokens, output_tokens, estimate, cost, latency_ms, first_token_ms = own
    return (
        ulid,
        unix,
        input_tokens,
        used.cache_read_tokens,
        used.cache_write_tokens,
        output_tokens,
        used.reasoning_tokens,
        used.audio_input_tokens,
        used.audio_output_tokens,
        used.image_tokens,
        estimate,
        cost,
        latency_ms,
        first_token_ms,
        meta_text(meta),
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
