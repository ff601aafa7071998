"""The one exception that ends a request, said in words that know nothing of HTTP."""

from typing import Any, Literal

ErrorKind = Literal[
    "bad_request",
    "unauthenticated",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "body_timeout",
    "conflict",
    "too_large",
    "unsupported_media",
    "headers_too_large",
    "invalid_value",
    "rate_limited",
    "over_limit",
    "provider_failed",
    "all_failed",
    "no_provider",
    "no_eligible",
    "output_mismatch",
    "overloaded",
    "internal",
]


class RequestError(Exception):
    """The request is over: what kind of end, a stable code, and a sentence for the caller."""

    def __init__(
        self,
        kind: ErrorKind,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        provider: str | None = None,
        attempts: tuple[Any, ...] = (),
        facts: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.provider = provider
        self.attempts = attempts
        self.facts = facts or {}
