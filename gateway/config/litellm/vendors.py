"""Which of our dialects each of LiteLLM's prefixes means, and how its parameters are called here."""

import re
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
    base_url: str | None = None
    """Where it is if nobody says, if not where our dialect expects it; a reference where only a variable knows."""
    only: str = ""
    """Pattern of the ids that our dialect can call there."""


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
    {
        "vertex_project": "project",
        "vertex_location": "location",
        "vertex_credentials": "credentials",
        "vertex_ai_project": "project",
        "vertex_ai_location": "location",
        "vertex_ai_credentials": "credentials",
    }
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
_VERTEX = Vendor("vertex", "", GOOGLE, only=r"gemini|text-embedding|embedding-|multimodalembedding|gemma")
_AZURE = Vendor("azure", "AZURE_API_KEY", MICROSOFT, base_url="${env:AZURE_API_BASE}")
_OLLAMA = Vendor("ollama", base_suffix="/v1")
_VLLM = Vendor("vllm", base_url="${env:HOSTED_VLLM_API_BASE}")


def _compatible(base_url: str, variable: str) -> Vendor:
    """A host without a dialect of its own here that speaks like OpenAI."""
    return Vendor("openai", variable, base_url=base_url)


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "openai": _OPENAI,
        "text-completion-openai": _OPENAI,
        "custom_openai": _OPENAI,
        "openai_like": _OPENAI,
        "litellm_proxy": _OPENAI,
        "azure": _AZURE,
        "azure_text": _AZURE,
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
        "llamafile": Vendor("llamacpp", base_url="http://127.0.0.1:8080/v1"),
        "sambanova": _compatible("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
        "meta_llama": _compatible("https://api.llama.com/compat/v1", "LLAMA_API_KEY"),
        "volcengine": _compatible("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
        "friendliai": _compatible("https://api.friendli.ai/serverless/v1", "FRIENDLI_TOKEN"),
        "codestral": _compatible("https://codestral.mistral.ai/v1", "CODESTRAL_API_KEY"),
        "ai21": _compatible("https://api.ai21.com/studio/v1", "AI21_API_KEY"),
        "ai21_chat": _compatible("https://api.ai21.com/studio/v1", "AI21_API_KEY"),
        "databricks": _compatible("${env:DATABRICKS_API_BASE}", "DATABRICKS_API_KEY"),
        "xinference": _compatible("${env:XINFERENCE_API_BASE}", "XINFERENCE_API_KEY"),
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

INNER = r"(converse|converse_like|invoke|responses|chat|o_series|gpt5_series|(us|eu|ap|ca|sa|me|af)-[a-z]+-\d)/"
"""Ways to call, and regions, that are part of the name there and follow from the dialect and its options here."""


def vendor_of(model: str, custom: str | None) -> tuple[str, Vendor | None, str]:
    """The prefix, who that is, and the id behind it."""
    prefix, slash, rest = model.partition("/")
    if custom is not None:
        return custom, VENDORS.get(custom), rest if slash and prefix == custom else model
    if slash and (prefix in VENDORS or not any(model.startswith(start) for start, _ in BARE)):
        return prefix, VENDORS.get(prefix), re.sub(f"^({INNER})+", "", rest)
    bare = next((name for start, name in BARE if model.startswith(start)), "openai")
    return bare, VENDORS[bare], model
