"""Judge what a provider complained about: one table from status and words to kinds of failure, for every dialect."""

import math
import re
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from gateway.domain.call import HeardHeaders
from gateway.domain.trail import Blame, Failure, FailureKind

MESSAGE_CHARS = 300
READ_BYTES = 65_536
LONGEST_WAIT_S = 60.0


class Complaint(Struct, frozen=True, kw_only=True):
    """What an error body said, whatever its shape was."""

    message: str = ""
    code: str = ""
    type: str = ""
    param: str | None = None


class Verdict(Struct, frozen=True):
    """A row of the table: what such a complaint means."""

    kind: FailureKind
    code: str
    blame: Blame = "offer"
    same_offer: bool = True
    cooldown_s: float | None = None
    fallback_message: str = "The provider answered with an error."


OVERFLOW = Verdict("context_overflow", "context_length_exceeded", "nobody", False, None, "The input is too long.")
MONEY = Verdict("refused", "upstream_billing", "provider", False, 900.0, "The provider's account has no credit.")
FILTERED = Verdict("bad_request", "content_filter", "nobody", False, None, "The provider's content policy refused it.")
NO_MODEL = Verdict("refused", "upstream_model_not_found", "offer", False, 300.0, "The provider has no such model.")
NO_ACCESS = Verdict("refused", "upstream_auth", "provider", False, 300.0, "The provider refused our credentials.")
LIMITED = Verdict("rate_limited", "provider_rate_limited", "offer", False, None, "The provider limits our rate.")
OVERLOADED = Verdict("transient", "upstream_overloaded", fallback_message="The provider is overloaded.")
TIMED_OUT = Verdict("transient", "upstream_timeout", fallback_message="The provider timed out.")
BROKEN = Verdict("transient", "upstream_error")
BUSY = Verdict("transient", "upstream_error", "nobody")
CANNOT = Verdict("refused", "upstream_error", "offer", False)
CALLERS = Verdict("bad_request", "invalid_request", "nobody", False, None, "The provider refused the request.")
REDIRECT = Verdict("garbled", "upstream_redirect", "offer", False, None, "The provider sent a redirect.")
STRANGE = Verdict("garbled", "malformed_response", "offer", False, None, "The provider sent an unknown status.")

BY_WORD: dict[str, Verdict] = {
    "context_length_exceeded": OVERFLOW,
    "context_window_exceeded": OVERFLOW,
    "exceed_context_size_error": OVERFLOW,
    "string_above_max_length": OVERFLOW,
    "request_too_large": OVERFLOW,
    "insufficient_quota": MONEY,
    "insufficient_balance": MONEY,
    "insufficient_credits": MONEY,
    "insufficient_funds": MONEY,
    "billing_not_active": MONEY,
    "billing_hard_limit_reached": MONEY,
    "billing_error": MONEY,
    "credit_balance_exhausted": MONEY,
    "credit_balance_too_low": MONEY,
    "enforced_spend_limit_reached": MONEY,
    "exceeded_current_quota_error": MONEY,
    "content_filter": FILTERED,
    "content_policy_violation": FILTERED,
    "content_policy": FILTERED,
    "responsible_ai_policy_violation": FILTERED,
    "responsibleaipolicyviolation": FILTERED,
    "moderation_blocked": FILTERED,
    "data_inspection_failed": FILTERED,
    "model_not_found": NO_MODEL,
    "model_not_available": NO_MODEL,
    "model_decommissioned": NO_MODEL,
    "invalid_model": NO_MODEL,
    "deploymentnotfound": NO_MODEL,
    "resource_not_found_error": NO_MODEL,
    "invalid_api_key": NO_ACCESS,
    "incorrect_api_key": NO_ACCESS,
    "authentication_error": NO_ACCESS,
    "permission_error": NO_ACCESS,
    "account_deactivated": NO_ACCESS,
    "unsupported_country_region_territory": NO_ACCESS,
    "rate_limit_exceeded": LIMITED,
    "rate_limit_error": LIMITED,
    "rate_limit_reached_error": LIMITED,
    "too_many_requests": LIMITED,
    "slow_down": LIMITED,
    "overloaded_error": OVERLOADED,
    "server_is_overloaded": OVERLOADED,
    "engine_overloaded_error": OVERLOADED,
    "timeout_error": TIMED_OUT,
}
"""Error codes and types, lower case; they say more than a status."""

BY_PHRASE: tuple[tuple[str, Verdict], ...] = (
    ("maximum context length", OVERFLOW),
    ("maximum model length", OVERFLOW),
    ("context length", OVERFLOW),
    ("context window", OVERFLOW),
    ("context size", OVERFLOW),
    ("prompt is too long", OVERFLOW),
    ("input is too long", OVERFLOW),
    ("input token count", OVERFLOW),
    ("too many input tokens", OVERFLOW),
    ("exceeds the maximum number of tokens", OVERFLOW),
    ("reduce the length of", OVERFLOW),
    ("maximum prompt length", OVERFLOW),
    ("too large for model with", OVERFLOW),
    ("exceed context limit", OVERFLOW),
    ("maximum allowed number of input tokens", OVERFLOW),
    ("`inputs` tokens + `max_new_tokens` must be", OVERFLOW),
    ("credit balance", MONEY),
    ("insufficient balance", MONEY),
    ("insufficient credit", MONEY),
    ("used all available credits", MONEY),
    ("monthly spending limit", MONEY),
    ("content management policy", FILTERED),
    ("content filtering policy", FILTERED),
    ("incorrect api key", NO_ACCESS),
    ("invalid api key", NO_ACCESS),
    ("api key not valid", NO_ACCESS),
    ("flagged by moderation", FILTERED),
    ("requires moderation", FILTERED),
)
"""What messages say where codes do not; read only on 400, 402, 403, 413, 422 and inside streams."""

BY_STATUS: dict[int, Verdict] = {
    400: CALLERS,
    401: NO_ACCESS,
    402: MONEY,
    403: NO_ACCESS,
    404: NO_MODEL,
    407: NO_ACCESS,
    408: TIMED_OUT,
    409: BUSY,
    410: NO_MODEL,
    413: OVERFLOW,
    422: CALLERS,
    425: BUSY,
    429: LIMITED,
    501: CANNOT,
    503: BROKEN,
    504: TIMED_OUT,
    522: TIMED_OUT,
    524: TIMED_OUT,
    529: OVERLOADED,
}
WORDS_OF_STATUS: dict[int, frozenset[str]] = {
    429: frozenset(word for word, verdict in BY_WORD.items() if verdict in (MONEY, LIMITED, OVERLOADED)),
}
"""On these statuses only these words are listened to."""
PHRASES_ON = frozenset({400, 402, 403, 413, 422})
SNAKE = re.compile(r"[a-z][a-z0-9_]{2,63}")


def judge(status: int, headers: HeardHeaders, complaint: Complaint) -> Failure:
    """What an error answer means for the attempt."""
    verdict = _verdict(status, complaint)
    limited = verdict.kind == "rate_limited" or verdict.kind == "transient"
    return Failure(
        kind=verdict.kind,
        code=_own_code(complaint) if verdict is CALLERS else verdict.code,
        message=clean(complaint.message) or verdict.fallback_message,
        status=status,
        blame=verdict.blame,
        retry_after_s=retry_after(headers) if limited else None,
        same_offer=verdict.same_offer,
        param=clean(complaint.param, 100) or None if complaint.param else None,
        cooldown_s=verdict.cooldown_s,
    )


def _verdict(status: int, complaint: Complaint) -> Verdict:
    heard = WORDS_OF_STATUS.get(status)
    for word in (complaint.code.lower(), complaint.type.lower()):
        if word in BY_WORD and (heard is None or word in heard):
            return BY_WORD[word]
    if status in PHRASES_ON:
        text = complaint.message[:2000].lower()
        for phrase, verdict in BY_PHRASE:
            if phrase in text:
                return verdict
    if status in BY_STATUS:
        return BY_STATUS[status]
    return _by_class(status)


def _by_class(status: int) -> Verdict:
    if 500 <= status <= 599:
        return BROKEN
    if 400 <= status <= 499:
        return CANNOT
    if 300 <= status <= 399:
        return REDIRECT
    return STRANGE


def _own_code(complaint: Complaint) -> str:
    return complaint.code if SNAKE.fullmatch(complaint.code) else CALLERS.code


SCRUBBED = re.compile(
    r"(?:https?|wss?)://\S+"
    r"|(?i:\bbearer)\s+\S+"
    r"|\b(?:sk|pk|rk|ak|gsk|xai|csk|pplx|fw|tgp|hf|org|proj|user|acct|key|nvapi|r8)[-_][A-Za-z0-9*_.\-]{4,}"
    r"|\bA(?:Iza|KIA|SIA)[A-Za-z0-9_\-]{8,}"
    r"|\beyJ[A-Za-z0-9_\-.]{16,}"
    r"|\b(?=[A-Za-z_\-]{0,200}[0-9])[A-Za-z0-9_\-]{32,}"
)


def clean(text: object, limit: int = MESSAGE_CHARS) -> str:
    """One printable line without keys, addresses and ids of accounts."""
    if not isinstance(text, str):
        return ""
    line = SCRUBBED.sub("[…]", " ".join(text[:4000].split()))
    if not line.isprintable():
        line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)?")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def retry_after(headers: HeardHeaders) -> float | None:
    """How long the provider wants us to stay away, 0 to 60 seconds; None where it says nothing that makes sense."""
    told = dict(headers)
    if (wait := _number(told.get("retry-after-ms"))) is not None:
        return _clamp(wait / 1000)
    if given := told.get("retry-after"):
        wait = _number(given)
        return _clamp(wait) if wait is not None else _until(given, told.get("date"))
    waits = [
        wait
        for what in ("requests", "tokens", "")
        if told.get(f"x-ratelimit-remaining-{what}".rstrip("-")) == "0"
        and (wait := _duration(told.get(f"x-ratelimit-reset-{what}".rstrip("-")))) is not None
    ]
    return _clamp(max(waits)) if waits else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _clamp(wait: float) -> float:
    return min(max(wait, 0.0), LONGEST_WAIT_S)


def _until(date: str, now: str | None) -> float | None:
    """A date counts from the answer's own `Date`, so that clocks need not agree."""
    if now is None:
        return None
    try:
        return _clamp(parsedate_to_datetime(date).timestamp() - parsedate_to_datetime(now).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None


def _duration(text: str | None) -> float | None:
    """`1s`, `6m0s`, `20ms`, or plain seconds; a Unix time is not understood."""
    parts = DURATION.findall(text or "")
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    wait = sum(float(number) * UNITS[unit or None] for number, unit in parts)
    return wait if wait < 1e6 else None


def read_json(body: bytes) -> Any:
    """The JSON in an answer, or None: nothing that a provider sends makes this raise."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def garbled(why: str, status: int | None = 200) -> Failure:
    """An answer we cannot read."""
    return Failure(kind="garbled", code="malformed_response", message=why, status=status, same_offer=False)
