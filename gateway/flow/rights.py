"""What a key may do, and how a request ends that asks for more."""

from gateway.domain.key import Key, Scope
from gateway.errors import RequestError
from gateway.state.limits import Denial


def opens(key: Key, unix: float) -> bool:
    """Neither switched off nor expired."""
    return key.enabled and (key.expires_unix is None or unix < key.expires_unix)


def check_scope(key: Key, scope: Scope) -> None:
    """An empty list of scopes means all but `admin`."""
    if not may(key, scope):
        raise scope_missing(scope)


def scope_missing(scope: Scope) -> RequestError:
    """The text is a promise; what is missing stands beside it."""
    facts = {"scope": scope, "hint": f"this key needs the scope `{scope}`"}
    return RequestError("forbidden", "scope_not_allowed", "scope not allowed", facts=facts)


def may(key: Key, scope: Scope) -> bool:
    return scope in key.scopes if key.scopes else scope != "admin"


def unknown_key() -> RequestError:
    return RequestError("unauthenticated", "invalid_api_key", "This key is not known, or it is no longer valid.")


def over_limit(denial: Denial) -> RequestError:
    return RequestError(
        denial.kind, denial.code, denial.message, retry_after_s=denial.retry_after_s, facts=dict(denial.facts)
    )
