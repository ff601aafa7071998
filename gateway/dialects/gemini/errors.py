"""Understand Google's complaints."""

from typing import Any

import msgspec

from gateway.dialects.failures import Complaint, garbled, judge, read_json
from gateway.domain.call import HeardHeaders
from gateway.domain.trail import Failure

WORDS = {
    "UNAUTHENTICATED": "authentication_error",
    "PERMISSION_DENIED": "permission_error",
    "FAILED_PRECONDITION": "permission_error",
    "RESOURCE_EXHAUSTED": "rate_limit_error",
    "UNAVAILABLE": "overloaded_error",
    "DEADLINE_EXCEEDED": "timeout_error",
}
"""Google's status in words that every dialect shares; the others say no more than the HTTP status."""
REASONS = {"API_KEY_INVALID": "invalid_api_key", "ACCOUNT_STATE_INVALID": "account_deactivated"}
OUT_OF_MONEY = ("credits are depleted", "spending cap", "spend cap", "billing account")
DAY_QUOTA_REST_S = 900.0
"""A day's quota does not come back within the minute that Google suggests."""


def refusal(status: int, headers: HeardHeaders, body: bytes) -> Failure:
    """What an error status means."""
    return _judged(status, headers, _error(read_json(body)))


def inside(event: Any) -> Failure:
    """What an error means that came where an answer should be."""
    error = _error(event)
    code = error.get("code")
    if not isinstance(code, int) or not 400 <= code <= 599:
        return garbled("The provider sent an error without a code.")
    return _judged(code, (), error)


def _error(body: Any) -> dict[str, Any]:
    """The error object, which some endpoints wrap into a list."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _judged(status: int, headers: HeardHeaders, error: dict[str, Any]) -> Failure:
    message = error.get("message") if isinstance(error.get("message"), str) else ""
    details = error.get("details")
    rows = [row for row in details if isinstance(row, dict)] if isinstance(details, list) else []
    said = Complaint(message=message or "", code=_code(message or "", rows), type=_word(error.get("status")))
    delay = next((row["retryDelay"] for row in rows if isinstance(row.get("retryDelay"), str)), "")
    if delay.endswith("s"):
        headers = (*headers, ("retry-after", delay[:-1]))
    failure = judge(status, headers, said)
    if failure.kind == "rate_limited" and _is_day_quota(rows):
        return msgspec.structs.replace(failure, cooldown_s=DAY_QUOTA_REST_S)
    return failure


def _word(status: object) -> str:
    return WORDS.get(status, "") if isinstance(status, str) else ""


def _code(message: str, rows: list[dict[str, Any]]) -> str:
    text = message[:2000].lower()
    if any(phrase in text for phrase in OUT_OF_MONEY):
        return "insufficient_quota"
    reasons = (row.get("reason") for row in rows)
    return next((REASONS[reason] for reason in reasons if isinstance(reason, str) and reason in REASONS), "")


def _is_day_quota(rows: list[dict[str, Any]]) -> bool:
    for row in rows:
        violations = row.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict) and "PerDay" in str(violation.get("quotaId", "")):
                return True
    return False
