"""Understand Anthropic's complaints."""

from typing import Any

from gateway.dialects.failures import Complaint, garbled, judge, read_json
from gateway.domain.call import HeardHeaders
from gateway.domain.trail import Failure

STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Which status an error that came inside a 200 would have had."""
OUT_OF_MONEY = "enforced_spend_limit_reached"


def refusal(status: int, headers: HeardHeaders, body: bytes) -> Failure:
    """What an error status means."""
    return judge(status, headers, complaint(read_json(body)))


def inside(event: Any) -> Failure:
    """What an error means that came where an answer should be."""
    said = complaint(event)
    status = STATUS_OF_TYPE.get(said.type)
    if status is None and not said.message:
        return garbled("The provider sent an error without words.")
    return judge(status or 500, (), said)


def complaint(body: Any) -> Complaint:
    """`error.details.error_code` says more than `error.type`, which says more than the status."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Complaint()
    details = error.get("details")
    code = _text(details.get("error_code")) if isinstance(details, dict) else ""
    if code.endswith("spend_limit_reached"):
        code = OUT_OF_MONEY
    return Complaint(message=_text(error.get("message")), code=code, type=_text(error.get("type")))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
