"""Understand Cohere's complaints: a status and one sentence."""

from gateway.dialects.failures import Complaint, judge, read_json
from gateway.domain.call import HeardHeaders
from gateway.domain.trail import Failure

WORDS: tuple[tuple[str, str], ...] = (
    ("max tokens must be less than", ""),
    ("too many tokens", "context_length_exceeded"),
    ("api calls / month", "insufficient_quota"),
    ("billing", "billing_error"),
)
"""What a sentence says to the word that other providers would use; the first that fits."""
STATUSES = {498: (400, "content_filter"), 499: (503, "")}
"""498: a token that is not allowed; 499: the provider gave up on the request."""


def refusal(status: int, headers: HeardHeaders, body: bytes) -> Failure:
    """What an error status means."""
    said = read_json(body)
    message = said.get("message") if isinstance(said, dict) else None
    return understood(status, headers, message if isinstance(message, str) else "")


def understood(status: int, headers: HeardHeaders, message: str) -> Failure:
    known, word = STATUSES.get(status, (status, ""))
    lower = message[:2000].lower()
    word = word or next((word for part, word in WORDS if part in lower), "")
    return judge(known, headers, Complaint(message=message, code=word))
