"""The hosts that speak OpenAI's dialect, a row each: what they lack, what they call otherwise.

Sources are the hosts' public API references and what their servers are reported to answer (Mistral and Groq refuse
fields that they do not know, others ignore them in silence: both are refused here, by name, before the call).
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from gateway.dialects.openai.quirks import AS_WRITTEN, OPTIONS, Quirks
from gateway.domain.table import Provider

OPENAI_URL = "https://api.openai.com/"
FLOAT = frozenset({"float"})
CHAT = frozenset({"chat"})
CHAT_AND_TEXT = frozenset({"chat", "completions"})
CHAT_AND_VECTORS = frozenset({"chat", "embeddings"})
AUDIO = frozenset({"audio_input", "audio_output"})
SPEECH = frozenset({"audio_output"})
SPEECH_FIELDS = frozenset({"modalities", "audio"})
FOREIGN = frozenset(
    {"reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "extra_content", "is_error"}
)
"""What other vendors' answers leave in a conversation; hosts that check every field refuse it."""
TOP_K = frozenset({"top_k"})
LOGPROBS = frozenset({"logprobs", "top_logprobs"})
LABELS = frozenset({"user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "verbosity"})
"""Say something about the request, nothing about the answer wanted."""
TOO_MUCH = frozenset({"modalities", "audio", "logit_bias", "web_search_options"})


def _plain(*refused: str, **more: object) -> Quirks:
    row = Quirks(developer_role=False, refuse_fields=SPEECH_FIELDS | frozenset(refused), lacks=SPEECH)
    return replace(row, **more)


HOSTS: Mapping[str, Quirks] = MappingProxyType(
    {
        "echo": Quirks(refuse_fields=LOGPROBS | {"logit_bias", "modalities", "audio"}, lacks=AUDIO),
        "openai": Quirks(
            max_tokens_field="max_completion_tokens",
            refuse_fields=TOP_K,
            drop_message_fields=FOREIGN,
            cache_markers=False,
            own_models=True,
        ),
        "azure": Quirks(refuse_fields=TOP_K, drop_message_fields=FOREIGN, cache_markers=False, own_models=True),
        "mistral": Quirks(
            cache_markers=False,
            max_tokens_field="max_tokens",
            refuse_fields=TOO_MUCH | LOGPROBS | TOP_K,
            drop_fields=LABELS,
            drop_message_fields=FOREIGN,
            rename_fields=(("seed", "random_seed"), ("dimensions", "output_dimension")),
            stream_options=False,
            embedding_formats=FLOAT,
            developer_role=False,
            endpoints=CHAT_AND_VECTORS,
            lacks=AUDIO,
        ),
        "groq": Quirks(
            cache_markers=False,
            refuse_fields=TOO_MUCH | LOGPROBS | TOP_K | {"n"},
            drop_fields=LABELS - {"user", "service_tier"},
            drop_message_fields=FOREIGN,
            endpoints=CHAT,
            lacks=AUDIO,
        ),
        "deepseek": Quirks(
            cache_markers=False,
            max_tokens_field="max_tokens",
            refuse_fields=TOO_MUCH | {"n", "seed", "parallel_tool_calls", "response_format=json_schema"},
            drop_fields=LABELS,
            developer_role=False,
            endpoints=CHAT,
            lacks=AUDIO,
        ),
        "xai": Quirks(refuse_fields=frozenset({"logit_bias", "audio", "modalities"}), endpoints=CHAT, lacks=AUDIO),
        "together": Quirks(
            max_tokens_field="max_tokens",
            refuse_fields=LOGPROBS | SPEECH_FIELDS | {"dimensions"},
            drop_fields=LABELS,
            embedding_formats=FLOAT,
            developer_role=False,
            lacks=SPEECH,
        ),
        "fireworks": Quirks(
            max_tokens_field="max_tokens",
            refuse_fields=SPEECH_FIELDS,
            drop_fields=LABELS - {"user", "prompt_cache_key"},
            embedding_formats=FLOAT,
            developer_role=False,
            lacks=SPEECH,
        ),
        "perplexity": Quirks(
            cache_markers=False,
            max_tokens_field="max_tokens",
            refuse_fields=(TOO_MUCH - {"web_search_options"})
            | LOGPROBS
            | {"n", "seed", "tools", "tool_choice", "parallel_tool_calls", "response_format=json_object"},
            drop_fields=LABELS,
            drop_message_fields=FOREIGN,
            stream_options=False,
            developer_role=False,
            endpoints=CHAT,
            lacks=AUDIO | {"tool_results"},
        ),
        "cerebras": Quirks(
            cache_markers=False,
            max_tokens_field="max_completion_tokens",
            refuse_fields=TOO_MUCH | TOP_K | {"n", "frequency_penalty", "presence_penalty"},
            drop_fields=LABELS - {"user"},
            drop_message_fields=FOREIGN,
            endpoints=CHAT_AND_TEXT,
            lacks=AUDIO,
        ),
        "moonshot": Quirks(
            max_tokens_field="max_tokens",
            refuse_fields=TOO_MUCH | LOGPROBS | {"seed", "tool_choice=required"},
            drop_fields=LABELS - {"prompt_cache_key", "safety_identifier"},
            developer_role=False,
            endpoints=CHAT,
            lacks=AUDIO,
        ),
        "openrouter": Quirks(developer_role=False),
        "deepinfra": _plain(max_tokens_field="max_tokens", embedding_formats=FLOAT),
        "nvidia": _plain(max_tokens_field="max_tokens", drop_fields=LABELS),
        "qwen": Quirks(
            max_tokens_field="max_tokens",
            refuse_fields=frozenset({"logit_bias", "frequency_penalty", "tool_choice=required"}),
            drop_fields=LABELS,
            developer_role=False,
            endpoints=CHAT_AND_VECTORS,
        ),
        "zai": Quirks(
            max_tokens_field="max_tokens",
            refuse_fields=TOO_MUCH
            | LOGPROBS
            | {"n", "seed", "frequency_penalty", "presence_penalty", "response_format=json_schema"},
            drop_fields=LABELS - {"user"},
            developer_role=False,
            endpoints=CHAT_AND_VECTORS,
            lacks=AUDIO,
        ),
        "huggingface": _plain(max_tokens_field="max_tokens", endpoints=CHAT),
        "ollama": _plain(
            *("n", "logit_bias", "tool_choice=required", "tool_choice=function"),
            max_tokens_field="max_tokens",
            lacks=AUDIO,
        ),
        "vllm": _plain(),
        "sglang": _plain(),
        "llamacpp": _plain(),
        "lmstudio": _plain(
            *(*LOGPROBS, "n", "response_format=json_object", "tool_choice=function"),
            max_tokens_field="max_tokens",
            lacks=AUDIO,
        ),
    }
)
"""By the dialect's name in the file."""


def quirks_of(provider: Provider) -> Quirks:
    """The row of the host, bettered by what the file says under `options:`."""
    row = HOSTS.get(provider.dialect, AS_WRITTEN)
    if provider.dialect == "openai" and not provider.base_url.startswith(OPENAI_URL):
        row = AS_WRITTEN
    said = {name: read(provider.options[name]) for name, read in OPTIONS.items() if name in provider.options}
    return replace(row, **said) if said else row
