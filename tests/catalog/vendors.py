"""The vendors of the catalogue, a row each: where their facts stand, how they are called, what is left out by hand."""

import re
from collections.abc import Mapping

from msgspec import Struct

GONE = "no longer in service"
PRODUCT = "another name of a model that is here"
MOVING = "a name whose meaning moves"
CHOSEN_FEW = "sold to chosen customers only"
MORE_THAN_TOKENS = "charged by more than tokens"
OTHER_CALL = "reached by a call that the dialect does not make"
UNLISTED = "not on the vendor's list of models that can be called without a deployment"
MAKERLESS = "an id that names no maker, as Bedrock's do: no call reaches it"
BY_PROFILE = "called through an inference profile, not directly"
FAMILY = "of a family of regions that has no file here (apac, jp, au, in, us-gov)"


class Vendor(Struct, frozen=True, kw_only=True):
    """One file."""

    name: str
    """Of the file and of the provider."""
    title: str
    facts: tuple[str, ...]
    """Which lists of the facts."""
    entry: tuple[str, ...]
    """Lines of the provider's entry."""
    needs: str
    """What must be there when the gateway starts."""
    prefix: str = ""
    """Of every model's name: the vendor's own API has none."""
    notes: tuple[str, ...] = ()
    only: str | None = None
    """Pattern of the ids that belong to this file."""
    apart: Mapping[str, str] = {}
    """Pattern of ids, and why they are left out."""
    sizes: str | None = None
    """Embedding models whose documentation has a parameter for the number of dimensions, as a pattern."""
    bridged: tuple[str, ...] = ()
    """Chat models that also serve `/v1/completions`, where the vendor has no other left."""
    says_latest: bool = False
    """Its undated names end in `-latest`."""
    listed_at: str | None = None
    """Where its list of what can be called without further ado stands, as a pattern of sources."""

    def apart_for(self, name: str) -> str | None:
        return next((why for pattern, why in self.apart.items() if re.search(pattern, name)), None)

    @property
    def dialect(self) -> str:
        return self.entry[0].removeprefix("dialect: ")


def _keyed(dialect: str, variable: str) -> tuple[str, ...]:
    return (f"dialect: {dialect}", "api_key: ${env:" + variable + "}")


CLAUDE_GONE = r"claude-(v\d|instant|3-|opus-4-2025)"

BEDROCK_APART: Mapping[str, str] = {
    CLAUDE_GONE: GONE,
    r"ai21\.j2|jamba-instruct|meta\.llama2|cohere\.command|titan-text": GONE,
    r"mistral-(large|small)-2402": GONE,
    "@": PRODUCT,
    r"^(?!([a-z-]+\.)?[a-z0-9-]+\.[a-z])": MAKERLESS,
    "claude-mythos": CHOSEN_FEW,
    "nova-2-multimodal|titan-embed-image|marengo": OTHER_CALL,
}

VENDORS: tuple[Vendor, ...] = (
    Vendor(
        name="anthropic",
        title="Anthropic",
        facts=("anthropic",),
        entry=_keyed("anthropic", "ANTHROPIC_API_KEY"),
        needs="ANTHROPIC_API_KEY",
        notes=("Caches that live an hour cost more to write (twice the input price) than `cache_write` says.",),
        apart={"claude-mythos": CHOSEN_FEW},
    ),
    Vendor(
        name="openai",
        title="OpenAI",
        facts=("openai", "text-completion-openai"),
        entry=_keyed("openai", "OPENAI_API_KEY"),
        needs="OPENAI_API_KEY",
        notes=(
            "OpenAI charges more for prompts beyond 272,000 tokens; the facts do not say how much: add `above:` to the",
            "price where budgets must hold.",
            "Its last models for `/v1/completions` are gone; `gpt-6-luna` serves that call through its chat endpoint.",
            "A name whose dated snapshots all retire hardly outlives them: such names carry a comment.",
        ),
        apart={
            "^chat-latest$": MOVING,
            "daybreak|-cyber|rosalind": CHOSEN_FEW,
            "search-api": MORE_THAN_TOKENS,
            "instruct-0914": GONE,
            "ada-002-v2": PRODUCT,
        },
        sizes="^text-embedding-3-",
        bridged=("gpt-6-luna",),
    ),
    Vendor(
        name="gemini",
        title="Google Gemini (the Gemini API, not Vertex AI)",
        facts=("gemini",),
        entry=_keyed("gemini", "GEMINI_API_KEY"),
        needs="GEMINI_API_KEY",
        notes=("Google bills the storage of explicit caches by the hour; that is not in these prices.",),
        apart={"-latest$": MOVING},
        sizes="^gemini-embedding-",
    ),
    Vendor(
        name="azure",
        title="Azure OpenAI",
        facts=("azure",),
        entry=(
            "dialect: azure",
            "base_url: ${env:AZURE_OPENAI_ENDPOINT}   # for example https://my-resource.openai.azure.com",
            "api_key: ${env:AZURE_OPENAI_API_KEY}     # or Entra: `api_key: null` and `options:`, docs/providers.md",
        ),
        needs="AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY",
        prefix="azure-",
        notes=(
            "The id is the name of your deployment: here each deployment is named after its model. Where yours are",
            "not, set `id:` in your own file. Prices are those of global deployments in the region `eastus`.",
        ),
        apart={
            "^gpt-35-turbo|^gpt-3.5-turbo|^gpt-4-|^o1-mini|^mistral-|^command-": GONE,
            "chat-latest": MOVING,
            "^ada$": PRODUCT,
        },
        sizes="^text-embedding-3-",
    ),
    Vendor(
        name="bedrock",
        title="Amazon Bedrock: models called directly, and through `global.` inference profiles",
        facts=("bedrock_converse", "bedrock"),
        entry=("dialect: bedrock", 'options: {region: "${env:AWS_REGION:-us-east-1}"}'),
        needs="credentials of AWS (environment, profile, or web identity)",
        prefix="bedrock-",
        notes=(
            "Prices of models called directly are those of us-east-1. What has a profile of the US or the EU only is",
            "in catalog/bedrock-us.yaml and catalog/bedrock-eu.yaml.",
        ),
        only=r"^(?!(us|eu)\.)",
        apart={**BEDROCK_APART, r"^(apac|jp|au|in|us-gov)\.": FAMILY, r"^anthropic\.|nova-premier": BY_PROFILE},
        sizes=r"titan-embed-text-v2|cohere\.embed-v4",
    ),
    Vendor(
        name="bedrock-us",
        title="Amazon Bedrock: `us.` inference profiles, which stay in the United States",
        facts=("bedrock_converse", "bedrock"),
        entry=("dialect: bedrock", "options: {region: us-east-1}", "labels: {region: us}"),
        needs="credentials of AWS (environment, profile, or web identity)",
        prefix="bedrock-us-",
        only=r"^us\.",
        apart=BEDROCK_APART,
        sizes=r"cohere\.embed-v4",
    ),
    Vendor(
        name="bedrock-eu",
        title="Amazon Bedrock: `eu.` inference profiles, which stay in the European Union",
        facts=("bedrock_converse", "bedrock"),
        entry=("dialect: bedrock", "options: {region: eu-central-1}", "labels: {region: eu}"),
        needs="credentials of AWS (environment, profile, or web identity)",
        prefix="bedrock-eu-",
        only=r"^eu\.",
        apart=BEDROCK_APART,
    ),
    Vendor(
        name="mistral",
        title="Mistral",
        facts=("mistral",),
        entry=_keyed("mistral", "MISTRAL_API_KEY"),
        needs="MISTRAL_API_KEY",
        says_latest=True,
        apart={
            "^mistral-(tiny|small)$|mamba|^open-mistral|^pixtral": GONE,
            "^mistral-(code|vibe)-|^mistral-medium$|^mistral-medium-(3|2604)|^mistral-large-(3|2512|4-0)$": PRODUCT,
            "^ministral-3-|^glm-5-2$|^zai-glm-latest$": PRODUCT,
            "^voxtral": "made for audio, which the dialect does not carry",
        },
        sizes="^codestral-embed",
    ),
    Vendor(
        name="groq",
        title="Groq",
        facts=("groq",),
        entry=_keyed("groq", "GROQ_API_KEY"),
        needs="GROQ_API_KEY",
        prefix="groq-",
    ),
    Vendor(
        name="deepseek",
        title="DeepSeek",
        facts=("deepseek",),
        entry=_keyed("deepseek", "DEEPSEEK_API_KEY"),
        needs="DEEPSEEK_API_KEY",
        notes=("Writing to DeepSeek's cache costs nothing extra: such tokens are charged as input.",),
        apart={r"^deepseek-(coder|r1|v3|v3\.2)$": GONE},
    ),
    Vendor(
        name="xai",
        title="xAI",
        facts=("xai",),
        entry=_keyed("xai", "XAI_API_KEY"),
        needs="XAI_API_KEY",
        apart={
            "-gv2$|^grok-code-fast|^grok-build-latest$": PRODUCT,
            r"^grok-4\.20-(0309-)?(reasoning|non-reasoning-latest|reasoning-latest)$|0309-non": PRODUCT,
        },
    ),
    Vendor(
        name="together",
        title="Together AI",
        facts=("together_ai",),
        entry=_keyed("together", "TOGETHER_API_KEY"),
        needs="TOGETHER_API_KEY",
        prefix="together-",
    ),
    Vendor(
        name="fireworks",
        title="Fireworks AI: models of its serverless list, which need no deployment of one's own",
        facts=("fireworks_ai",),
        entry=_keyed("fireworks", "FIREWORKS_API_KEY"),
        needs="FIREWORKS_API_KEY",
        prefix="fireworks-",
        listed_at="/serverless/",
    ),
    Vendor(
        name="perplexity",
        title="Perplexity",
        facts=("perplexity",),
        entry=_keyed("perplexity", "PERPLEXITY_API_KEY"),
        needs="PERPLEXITY_API_KEY",
        notes=(
            "Perplexity also bills searches and citations. That depends on each request and is not in these prices:",
            "add `request:` (USD a call) to the price of an offer where budgets must hold.",
        ),
        apart={"pplx-(7|70)b|instruct|llama|^sonar-(small|medium)|^sonar-reasoning$": GONE},
    ),
    Vendor(
        name="cerebras",
        title="Cerebras",
        facts=("cerebras",),
        entry=_keyed("cerebras", "CEREBRAS_API_KEY"),
        needs="CEREBRAS_API_KEY",
        prefix="cerebras-",
        apart={"llama|qwen-3-32b": GONE},
    ),
    Vendor(
        name="moonshot",
        title="Moonshot AI",
        facts=("moonshot",),
        entry=_keyed("moonshot", "MOONSHOT_API_KEY"),
        needs="MOONSHOT_API_KEY",
        apart={"v1-auto": "a name with several prices"},
    ),
    Vendor(
        name="cohere",
        title="Cohere",
        facts=("cohere_chat", "cohere"),
        entry=_keyed("cohere", "COHERE_API_KEY"),
        needs="COHERE_API_KEY",
        sizes="^embed-v[45]",
    ),
    Vendor(
        name="voyage",
        title="Voyage AI",
        facts=("voyage",),
        entry=_keyed("voyage", "VOYAGE_API_KEY"),
        needs="VOYAGE_API_KEY",
        apart={
            "^voyage-(2|large-2|lite-0)": "deprecated by its vendor",
            "context|multimodal": OTHER_CALL,
        },
        sizes=r"^voyage-(3-large|3\.5|4|code-[34])",
    ),
)
