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


QUIRKS = (
    *("max_tokens_field", "refuse_fields", "drop_fields", "drop_message_fields", "rename_fields"),
    *("stream_options", "embedding_formats", "developer_role", "cache_markers"),
)
"""Options of every host that speaks OpenAI's dialect: how it differs, where its row does not say so yet."""


def _like_openai(base_url: str, **more: object) -> DialectFacts:
    return _row("openai", base_url, options=QUIRKS, **more)


def _at_home(base_url: str) -> DialectFacts:
    return _like_openai(base_url, needs_key=False, local=True)


DIALECTS: Mapping[str, DialectFacts] = MappingProxyType(
    {
        "echo": _row("echo", "http://echo.invalid", needs_key=False),
        "openai": _row("openai", "https://api.openai.com/v1", options=("organization", "project", *QUIRKS)),
        "azure": _row(
            "azure",
            None,
            needs_key=False,
            options=("api_version", "tenant_id", "client_id", "client_secret", "authority", "scope", *QUIRKS),
        ),
        "mistral": _like_openai("https://api.mistral.ai/v1"),
        "groq": _like_openai("https://api.groq.com/openai/v1"),
        "deepseek": _like_openai("https://api.deepseek.com"),
        "xai": _like_openai("https://api.x.ai/v1"),
        "together": _like_openai("https://api.together.xyz/v1"),
        "fireworks": _like_openai("https://api.fireworks.ai/inference/v1"),
        "perplexity": _like_openai("https://api.perplexity.ai"),
        "cerebras": _like_openai("https://api.cerebras.ai/v1"),
        "moonshot": _like_openai("https://api.moonshot.ai/v1"),
        "openrouter": _like_openai("https://openrouter.ai/api/v1"),
        "deepinfra": _like_openai("https://api.deepinfra.com/v1/openai"),
        "nvidia": _like_openai("https://integrate.api.nvidia.com/v1"),
        "qwen": _like_openai("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        "zai": _like_openai("https://api.z.ai/api/paas/v4"),
        "huggingface": _like_openai("https://router.huggingface.co/v1"),
        "ollama": _at_home("http://127.0.0.1:11434/v1"),
        "vllm": _at_home("http://127.0.0.1:8000/v1"),
        "sglang": _at_home("http://127.0.0.1:30000/v1"),
        "llamacpp": _at_home("http://127.0.0.1:8080/v1"),
        "lmstudio": _at_home("http://127.0.0.1:1234/v1"),
        "anthropic": _row("anthropic", "https://api.anthropic.com", options=("version", "beta")),
        "gemini": _row("gemini", "https://generativelanguage.googleapis.com/v1beta"),
        "vertex": _row(
            "vertex",
            "https://aiplatform.googleapis.com/v1beta1",
            needs_key=False,
            options=("project", "location", "credentials", "token_url"),
        ),
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
