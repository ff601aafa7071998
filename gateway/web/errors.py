"""The end of a request as HTTP: which status and type each kind has, and how each surface says it."""

import logging
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from gateway.domain.trail import Attempt
from gateway.domain.visit import Visit
from gateway.errors import ErrorKind, RequestError
from gateway.flow.receipt import CLIENT_CLOSED
from gateway.web.leaving import CallerLeftError

LOG = logging.getLogger("tokenhub")

STATUS: Mapping[ErrorKind, tuple[int, str]] = MappingProxyType(
    {
        "bad_request": (400, "invalid_request_error"),
        "unauthenticated": (401, "authentication_error"),
        "forbidden": (403, "permission_error"),
        "not_found": (404, "not_found_error"),
        "method_not_allowed": (405, "invalid_request_error"),
        "body_timeout": (408, "invalid_request_error"),
        "conflict": (409, "invalid_request_error"),
        "too_large": (413, "invalid_request_error"),
        "unsupported_media": (415, "invalid_request_error"),
        "invalid_value": (422, "invalid_request_error"),
        "headers_too_large": (431, "invalid_request_error"),
        "rate_limited": (429, "rate_limit_error"),
        "over_limit": (429, "usage_limit_exceeded"),
        "provider_failed": (500, "provider_error"),
        "internal": (500, "api_error"),
        "all_failed": (503, "provider_error"),
        "no_provider": (503, "provider_error"),
        "no_eligible": (503, "provider_error"),
        "output_mismatch": (503, "provider_error"),
        "overloaded": (503, "overloaded_error"),
    }
)

POLICY_STATUS: Mapping[ErrorKind, int] = MappingProxyType(
    {
        "provider_failed": 502,
        "all_failed": 502,
        "no_provider": 502,
        "no_eligible": 502,
        "output_mismatch": 502,
        "invalid_value": 400,
    }
)

POLICY_TEXT: Mapping[str, str] = MappingProxyType(
    {
        "invalid_json": "bad json",
        "json_too_deep": "bad json",
        "missing_api_key": "missing or invalid api key",
        "invalid_api_key": "missing or invalid api key",
        "scope_not_allowed": "scope not allowed",
        "request_too_large": "request too large",
        "requests_per_minute": "rate limit exceeded",
        "tokens_per_minute": "rate limit exceeded",
        "concurrency": "rate limit exceeded",
        "provider_rate_limited": "rate limit exceeded",
        "too_many_unknown_keys": "rate limit exceeded",
        "monthly_spend": "monthly budget exceeded",
        "upstream_error": "all providers failed",
        "all_providers_failed": "all providers failed",
        "no_healthy_provider": "all providers failed",
        "no_eligible_models": "no eligible models",
    }
)

INTERNAL = RequestError(
    "internal", "internal_error", "The gateway failed. The request id names this failure in its log."
)


def openai_status(error: RequestError, over_limit_status: int) -> int:
    return over_limit_status if error.kind == "over_limit" else STATUS[error.kind][0]


def openai_body(error: RequestError) -> dict[str, Any]:
    """The body of CONTRACT's errors on every route but `/v1/chat`."""
    inner: dict[str, Any] = {
        "type": STATUS[error.kind][1],
        "message": error.message,
        "code": error.code,
        "param": error.param,
    }
    if error.attempts:
        inner["attempts"] = attempts_of(error)
    if error.facts:
        inner |= error.facts
    body: dict[str, Any] = {"error": inner}
    if error.provider is not None:
        inner["provider"] = error.provider
        body["provider"] = error.provider
    return body


def policy_status(error: RequestError, over_limit_status: int) -> int:
    return POLICY_STATUS.get(error.kind) or openai_status(error, over_limit_status)


def policy_body(error: RequestError, request_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "error": POLICY_TEXT.get(error.code, error.message),
        "code": error.code,
        "request_id": request_id,
    }
    if error.attempts:
        body["attempts"] = attempts_of(error)
    return body | error.facts


def attempts_of(error: RequestError) -> list[dict[str, Any]]:
    """Provider, model, class and status of each attempt; never a raw upstream body."""
    return [
        {
            "provider": attempt.provider,
            "model": attempt.model,
            "class": attempt.failure.kind if attempt.failure else None,
            "code": attempt.failure.code if attempt.failure else None,
            "status": attempt.failure.status if attempt.failure else None,
        }
        for attempt in error.attempts
        if isinstance(attempt, Attempt)
    ]


class Refusing(Protocol):
    """Whoever can tell a caller that their request is over."""

    visit: Visit
    status: int

    async def refuse(self, error: RequestError) -> None: ...


async def walled(story: Coroutine[Any, Any, None], reply: Refusing, leave: Callable[[], None]) -> None:
    """The outer wall: every end of a request is told to its caller, and our own faults are told to the log alone."""
    try:
        await story
    except RequestError as error:
        await reply.refuse(error)
    except CallerLeftError:
        reply.status = CLIENT_CLOSED
    except Exception:
        LOG.exception("internal error in request req-%s", reply.visit.ulid)
        await reply.refuse(INTERNAL)
    finally:
        leave()
