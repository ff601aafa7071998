"""Understand AWS's complaints, which carry the name of an exception in a header, a body or an event."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects.failures import Complaint, judge, read_json
from gateway.domain.call import HeardHeaders
from gateway.domain.trail import Failure

MEANINGS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "ValidationException": (400, ""),
        "ThrottlingException": (429, "rate_limit_exceeded"),
        "TooManyRequestsException": (429, "rate_limit_exceeded"),
        "ServiceQuotaExceededException": (429, "rate_limit_exceeded"),
        "ModelNotReadyException": (503, "overloaded_error"),
        "ServiceUnavailableException": (503, "overloaded_error"),
        "ModelTimeoutException": (408, "timeout_error"),
        "ModelErrorException": (500, ""),
        "ModelStreamErrorException": (500, ""),
        "InternalServerException": (500, ""),
        "InternalFailure": (500, ""),
        "ResourceNotFoundException": (404, "model_not_found"),
        "AccessDeniedException": (403, "permission_error"),
        "UnrecognizedClientException": (403, "authentication_error"),
        "InvalidSignatureException": (403, "authentication_error"),
        "IncompleteSignatureException": (403, "authentication_error"),
        "MissingAuthenticationTokenException": (403, "authentication_error"),
        "InvalidClientTokenId": (403, "authentication_error"),
        "ExpiredTokenException": (403, "authentication_error"),
        "ExpiredToken": (403, "authentication_error"),
        "InvalidIdentityToken": (403, "authentication_error"),
        "IDPRejectedClaim": (403, "authentication_error"),
        "AccessDenied": (403, "permission_error"),
        "OptInRequired": (403, "permission_error"),
    }
)
"""The name of an exception to the status and the word that other providers would use."""
NO_SUCH_MODEL = (
    "model identifier is invalid",
    "on-demand throughput",
    "access to the model with the specified model id",
    "has reached the end of its life",
    "marked by provider as legacy",
)
DAY_LONG = "per day"
REST_S = 300.0


def refusal(status: int, headers: HeardHeaders, body: bytes) -> Failure:
    """What an error status means."""
    said = read_json(body)
    fields = said if isinstance(said, dict) else {}
    named = next((value for name, value in headers if name == "x-amzn-errortype"), "") or _text(fields.get("__type"))
    message = _text(fields.get("message")) or _text(fields.get("Message"))
    return understood(named, message, status, headers)


def understood(named: str, message: str, status: int | None = None, headers: HeardHeaders = ()) -> Failure:
    """What an exception means, wherever it was told; its name says more than the status."""
    name = exception_name(named)
    theirs, word = MEANINGS.get(name, (status or 500, ""))
    lower = message[:2000].lower()
    if theirs in (400, 403) and any(part in lower for part in NO_SUCH_MODEL):
        word = "model_not_found"
    failure = judge(theirs, headers, Complaint(message=message, code=word))
    if failure.kind == "rate_limited" and DAY_LONG in lower:
        failure = msgspec.structs.replace(failure, cooldown_s=REST_S)
    return failure if status is None else msgspec.structs.replace(failure, status=status)


def exception_name(named: str) -> str:
    """`ThrottlingException`, out of `com.amazon#ThrottlingException:http://…` or `throttlingException`."""
    name = named.partition(":")[0].rpartition("#")[2].strip()
    return name[:1].upper() + name[1:]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
