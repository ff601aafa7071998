"""Find the complaint in the error bodies of OpenAI and the hosts that speak like it, and have it judged."""

from typing import Any

from gateway.dialects.failures import READ_BYTES, Complaint, judge, read_json
from gateway.domain.call import HeardHeaders
from gateway.domain.trail import Failure

STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "invalid_request": 400,
    "validation_error": 422,
    "authentication_error": 401,
    "authenticationerror": 401,
    "invalid_authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "notfounderror": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "ratelimiterror": 429,
    "too_many_requests": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""For errors inside a 200: the status that the type would have had."""


def refusal(status: int, headers: HeardHeaders, body: bytes) -> Failure:
    """An error status with whatever came with it."""
    said = read_json(body) if len(body) <= READ_BYTES else None
    return judge(status, headers, complaint_of(said))


def hidden_error(said: Any) -> Failure:
    """An error object inside a 200 or a stream."""
    complaint = complaint_of(said)
    return judge(_status_of(said, complaint), (), complaint)


def complaint_of(said: Any) -> Complaint:
    """`{"error": {…}}`, `{"error": "…"}`, `{"object": "error", …}`, `{"detail": …}` and `[{"error": {…}}]`."""
    if isinstance(said, list) and said:
        said = said[0]
    if not isinstance(said, dict):
        return Complaint()
    inner = said.get("error", said)
    if isinstance(inner, str):
        return Complaint(message=inner, code=_word(said.get("code")), type=_word(said.get("type")))
    if not isinstance(inner, dict):
        return Complaint()
    message = inner.get("message") or inner.get("detail") or _nested(inner)
    if not isinstance(message, str):
        message = _detail(message)
    param = inner.get("param")
    return Complaint(
        message=message,
        code=_word(inner.get("code")) or _inner_code(inner),
        type=_word(inner.get("type")),
        param=param if isinstance(param, str) else None,
    )


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _inner_code(error: dict[str, Any]) -> str:
    """Azure hides its content filter in `innererror`, OpenRouter the moderation in `metadata`."""
    inner = error.get("innererror")
    if isinstance(inner, dict):
        return _word(inner.get("code"))
    metadata = error.get("metadata")
    return "moderation_blocked" if isinstance(metadata, dict) and "flagged_input" in metadata else ""


def _nested(error: dict[str, Any]) -> Any:
    return error.get("msg")


def _detail(detail: Any) -> str:
    """FastAPI's list of what did not validate, or Mistral's object."""
    if isinstance(detail, dict):
        return _detail(detail.get("detail") or detail.get("message"))
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        first = detail[0]
        where = ".".join(str(part) for part in first.get("loc", ()) if part != "body") if _is_path(first) else ""
        return f"{where}: {first.get('msg')}" if where else _word(first.get("msg"))
    return _word(detail)


def _is_path(first: dict[str, Any]) -> bool:
    return isinstance(first.get("loc"), list)


def _status_of(said: Any, complaint: Complaint) -> int:
    inner = said.get("error", said) if isinstance(said, dict) else None
    for name in ("code", "status", "status_code"):
        number = inner.get(name) if isinstance(inner, dict) else None
        number = int(number) if isinstance(number, str) and number.isdecimal() and len(number) == 3 else number
        if isinstance(number, int) and 400 <= number <= 599:
            return number
    return STATUS_OF_TYPE.get(complaint.type.lower()) or STATUS_OF_TYPE.get(complaint.code.lower()) or 500
