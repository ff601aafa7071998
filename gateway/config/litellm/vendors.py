"""Which of our dialects each of LiteLLM's prefixes means, and how its parameters are called here."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class Vendor(Struct, frozen=True):
    """One prefix."""

    dialect: str
    variable: str = ""
    """Where LiteLLM looks for the key if nobody says."""
    options: Mapping[str, str] = MappingProxyType({})
    """Its parameter to our option."""
    base_suffix: str = ""
    """What its base address lacks."""


AWS = MappingProxyType(
    {
        "aws_region_name": "region",
        "aws_profile_name": "profile",
        "aws_role_name": "role_arn",
        "aws_session_name": "role_session_name",
        "aws_sts_endpoint": "sts_url",
    }
)
GOOGLE = MappingProxyType(
    {"vertex_project": "project", "vertex_location": "location", "vertex_credentials": "credentials"}
)
MICROSOFT = MappingProxyType({"api_version": "api_version", "tenant_id": "tenant_id", "client_id": "client_id"})
SECRET_OPTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "bedrock": {
            "aws_access_key_id": ("access_key_id", "AWS_ACCESS_KEY_ID"),
            "aws_secret_access_key": ("secret_access_key", "AWS_SECRET_ACCESS_KEY"),
            "aws_session_token": ("session_token", "AWS_SESSION_TOKEN"),
        },
        "azure": {"client_secret": ("client_secret", "AZURE_CLIENT_SECRET")},
    }
)
"""By dialect: its parameter to our option and to the variable for one that is written out."""

_OPENAI = Vendor("openai", "OPENAI_API_KEY", MappingProxyType({"organization": "organization"}))
_BEDROCK = Vendor("bedrock", "", AWS)
_VERTEX = Vendor("vertex", "", GOOGLE)
_OLLAMA = Vendor("ollama", base_suffix="/v1")
_VLLM = Vendor("vllm")

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "openai": _OPENAI,
        "text-completion-openai": _OPENAI,
        "custom_openai": _OPENAI,
        "openai_like": _OPENAI,
        "litellm_proxy": _OPENAI,
        "azure": Vendor("azure", "AZURE_API_KEY", MICROSOFT),
        "azure_text": Vendor("azure", "AZURE_API_KEY", MICROSOFT),
        "anthropic": Vendor("anthropic", "ANTHROPIC_API_KEY"),
        "gemini": Vendor("gemini", "GEMINI_API_KEY"),
        "vertex_ai": _VERTEX,
        "vertex_ai_beta": _VERTEX,
        "bedrock": _BEDROCK,
        "bedrock_converse": _BEDROCK,
        "cohere": Vendor("cohere", "COHERE_API_KEY"),
        "cohere_chat": Vendor("cohere", "COHERE_API_KEY"),
        "mistral": Vendor("mistral", "MISTRAL_API_KEY"),
        "groq": Vendor("groq", "GROQ_API_KEY"),
        "deepseek": Vendor("deepseek", "DEEPSEEK_API_KEY"),
        "xai": Vendor("xai", "XAI_API_KEY"),
        "together_ai": Vendor("together", "TOGETHERAI_API_KEY"),
        "fireworks_ai": Vendor("fireworks", "FIREWORKS_AI_API_KEY"),
        "perplexity": Vendor("perplexity", "PERPLEXITYAI_API_KEY"),
        "cerebras": Vendor("cerebras", "CEREBRAS_API_KEY"),
        "moonshot": Vendor("moonshot", "MOONSHOT_API_KEY"),
        "openrouter": Vendor("openrouter", "OPENROUTER_API_KEY"),
        "deepinfra": Vendor("deepinfra", "DEEPINFRA_API_KEY"),
        "nvidia_nim": Vendor("nvidia", "NVIDIA_NIM_API_KEY"),
        "dashscope": Vendor("qwen", "DASHSCOPE_API_KEY"),
        "zai": Vendor("zai", "ZAI_API_KEY"),
        "huggingface": Vendor("huggingface", "HUGGINGFACE_API_KEY"),
        "voyage": Vendor("voyage", "VOYAGE_API_KEY"),
        "ollama": _OLLAMA,
        "ollama_chat": _OLLAMA,
        "hosted_vllm": _VLLM,
        "vllm": _VLLM,
        "lm_studio": Vendor("lmstudio"),
    }
)
BARE: tuple[tuple[str, str], ...] = (
    ("gpt", "openai"),
    ("chatgpt", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("claude", "anthropic"),
    ("gemini", "vertex_ai"),
    ("command", "cohere"),
    ("mistral", "mistral"),
)
"""What a name without a prefix begins with."""

INNER = ("converse/", "converse_like/", "invoke/", "responses/", "chat/")
"""Ways to call that are part of the name there and follow from the dialect here."""


def vendor_of(model: str, custom: str | None) -> tuple[str, Vendor | None, str]:
    """The prefix, who that is, and the id behind it."""
    prefix, slash, rest = model.partition("/")
    if custom is not None:
        return custom, VENDORS.get(custom), rest if slash and prefix == custom else model
    if slash and (prefix in VENDORS or not any(model.startswith(start) for start, _ in BARE)):
        for inner in INNER:
            rest = rest.removeprefix(inner)
        return prefix, VENDORS.get(prefix), rest
    bare = next((name for start, name in BARE if model.startswith(start)), "openai")
    return bare, VENDORS[bare], model
