"""When nothing served: one error that says best why, out of all the failures."""

from gateway.domain.ask import Ask
from gateway.domain.moment import Moment
from gateway.domain.plan import Plan, Step
from gateway.domain.trail import Attempt, Failure, Trail
from gateway.errors import ErrorKind, RequestError
from gateway.flow.attempt import GaveUp
from gateway.routing.refuse import shown

SHORTAGES = frozenset({"pool_exhausted", "too_many_open_files"})
"""Ours, not the provider's: it was not even called."""
LOST_TIME = frozenset({"deadline_exceeded", "upstream_timeout", "upstream_stalled", "connect_timeout"})


def resting(plan: Plan, moment: Moment) -> RequestError:
    """Nothing was tried, because everything rests: rate limited if that is all, else failing."""
    name = shown(plan.asked)
    if plan.steps and all(_paced(step, moment) for step in plan.steps):
        return RequestError(
            "rate_limited",
            "provider_rate_limited",
            f"Every provider of `{name}` asked us to wait.",
            provider=plan.steps[0].offer.provider,
            retry_after_s=plan.retry_after_s or 1.0,
        )
    return RequestError(
        "no_provider",
        "no_healthy_provider",
        f"Every provider of `{name}` is failing. Try again shortly.",
        provider=plan.steps[0].offer.provider if plan.steps else None,
        retry_after_s=plan.retry_after_s or 1.0,
    )


def _paced(step: Step, moment: Moment) -> bool:
    """It rests over a rate limit, and over nothing else."""
    both = (moment.offers.get(step.offer.name), moment.providers.get(step.offer.provider))
    resting = [vitals for vitals in both if vitals is not None and vitals.cooldown_until > moment.now]
    return step.standing == "cooling" and all(vitals.limited for vitals in resting)


def give_up(gave_up: GaveUp, trail: Trail, ask: Ask) -> RequestError:
    """The caller's own mistake first, then shared rate limits, then lost time, then the provider."""
    step, failure = gave_up.failures[-1]
    attempts = tuple(trail.attempts)
    kinds = {one.kind for _, one in gave_up.failures}
    if failure.kind == "bad_request" and failure.code != "client_closed":
        return _callers_fault(failure, step.offer.provider)
    if kinds == {"context_overflow"}:
        return RequestError(
            "bad_request", "context_length_exceeded", failure.message, param="messages", provider=step.offer.provider
        )
    if failure.code == "output_schema_mismatch":
        return RequestError(
            "output_mismatch", failure.code, f"output does not match schema: {failure.message}", attempts=attempts
        )
    if kinds == {"rate_limited"}:
        return _all_limited(gave_up, attempts)
    if {one.code for _, one in gave_up.failures} <= SHORTAGES:
        return RequestError("overloaded", failure.code, failure.message, retry_after_s=1.0, attempts=attempts)
    return _providers_fault(gave_up, attempts, ask)


def _all_limited(gave_up: GaveUp, attempts: tuple[Attempt, ...]) -> RequestError:
    step, failure = gave_up.failures[-1]
    return RequestError(
        "rate_limited",
        "provider_rate_limited",
        failure.message,
        provider=step.offer.provider,
        retry_after_s=min(one.retry_after_s or 1.0 for _, one in gave_up.failures),
        attempts=attempts,
    )


def _providers_fault(gave_up: GaveUp, attempts: tuple[Attempt, ...], ask: Ask) -> RequestError:
    """One offer's failure in its own words; several in ours, and lost time where that is what they share."""
    step, failure = gave_up.failures[-1]
    alone = len({one.offer.name for one, _ in gave_up.failures}) == 1
    kind: ErrorKind = "provider_failed" if alone else "all_failed"
    code = failure.code if alone else "all_providers_failed"
    if gave_up.out_of_time or (not alone and all(one.code in LOST_TIME for _, one in gave_up.failures)):
        code = "deadline_exceeded"
    message = failure.message if alone else _several(gave_up, ask)
    return RequestError(kind, code, message, provider=step.offer.provider, attempts=attempts)


def _several(gave_up: GaveUp, ask: Ask) -> str:
    tried = ", ".join(dict.fromkeys(step.offer.name for step, _ in gave_up.failures))
    return f"No provider could serve `{shown(ask.name or 'this request')}`; tried {tried}."


def _callers_fault(failure: Failure, provider: str) -> RequestError:
    kind: ErrorKind = {413: "too_large", 422: "invalid_value"}.get(failure.status or 400, "bad_request")  # type: ignore[assignment]
    return RequestError(kind, failure.code, failure.message, param=failure.param, provider=provider)
