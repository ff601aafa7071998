"""When nothing served: one error that says best why, out of all the failures."""

from gateway.domain.ask import Ask
from gateway.domain.trail import Failure, Trail
from gateway.errors import ErrorKind, RequestError
from gateway.flow.attempt import GaveUp


def give_up(gave_up: GaveUp, trail: Trail, ask: Ask) -> RequestError:
    """The caller's own mistake first, then shared rate limits, then lost time, then the provider."""
    step, failure = gave_up.failures[-1]
    if failure.kind == "bad_request" and failure.code != "client_closed":
        return _callers_fault(failure, step.offer.provider)
    if all(one.kind == "context_overflow" for _, one in gave_up.failures):
        return RequestError(
            "bad_request", "context_length_exceeded", failure.message, param="messages", provider=step.offer.provider
        )
    attempts = tuple(trail.attempts)
    if failure.code == "output_schema_mismatch":
        return RequestError(
            "output_mismatch", failure.code, f"output does not match schema: {failure.message}", attempts=attempts
        )
    if all(one.kind == "rate_limited" for _, one in gave_up.failures):
        return RequestError(
            "rate_limited",
            "provider_rate_limited",
            failure.message,
            provider=step.offer.provider,
            retry_after_s=min((one.retry_after_s or 1.0 for _, one in gave_up.failures), default=1.0),
            attempts=attempts,
        )
    offers = {one.offer.name for one, _ in gave_up.failures}
    kind: ErrorKind = "provider_failed" if len(offers) == 1 else "all_failed"
    code = failure.code if kind == "provider_failed" else "all_providers_failed"
    message = failure.message if kind == "provider_failed" else _several(gave_up, ask)
    if gave_up.out_of_time and kind == "provider_failed":
        code = "deadline_exceeded"
    return RequestError(kind, code, message, provider=step.offer.provider, attempts=attempts)


def _several(gave_up: GaveUp, ask: Ask) -> str:
    tried = ", ".join(dict.fromkeys(step.offer.name for step, _ in gave_up.failures))
    return f"No provider could serve `{(ask.name or 'this request')[:64]}`; tried {tried}."


def _callers_fault(failure: Failure, provider: str) -> RequestError:
    kind: ErrorKind = {413: "too_large", 422: "invalid_value"}.get(failure.status or 400, "bad_request")  # type: ignore[assignment]
    return RequestError(kind, failure.code, failure.message, param=failure.param, provider=provider)
