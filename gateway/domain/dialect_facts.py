"""What the configuration must know of each dialect without knowing how it speaks."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class DialectFacts(Struct, frozen=True, kw_only=True):
    """One row: `speaks` is the module that does the talking, the rest is what a file may or must say."""

    speaks: str
    base_url: str | None
    """Where it lives unless the file says otherwise; None means the file must say it (or that it has no address)."""
    needs_key: bool = True
    options: tuple[str, ...] = ()
    """Names allowed under `options:`."""
    local: bool = False
    """Usually runs on one's own machine: plain http and private addresses are allowed."""


def _row(speaks: str, base_url: str | None, **more: object) -> DialectFacts:
    return DialectFacts(speaks=speaks, base_url=base_url, **more)  # type: ignore[arg-type]


DIALECTS: Mapping[str, DialectFacts] = MappingProxyType(
    {
        "echo": _row("echo", "http://echo.invalid", needs_key=False),
        "openai": _row("openai", "https://api.openai.com/v1", options=("organization", "project")),
        "anthropic": _row("anthropic", "https://api.anthropic.com", options=("version", "beta")),
        "gemini": _row("gemini", "https://generativelanguage.googleapis.com/v1beta"),
        "bedrock": _row(
            "bedrock",
            "https://bedrock-runtime.{region}.amazonaws.com",
            needs_key=False,
            options=(
                *("region", "access_key_id", "secret_access_key", "session_token", "profile", "credentials_file"),
                *("role_arn", "role_session_name", "web_identity_token_file", "sts_url"),
                *("guardrail_id", "guardrail_version", "input_type"),
            ),
        ),
        "cohere": _row("cohere", "https://api.cohere.com", options=("input_type",)),
        "voyage": _row("voyage", "https://api.voyageai.com/v1", options=("input_type",)),
    }
)
"""Every dialect a provider may name. Hosts that speak another's dialect are rows with the same `speaks`."""
