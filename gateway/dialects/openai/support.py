"""What of OpenAI's dialect a host can do, read off its row of quirks, for the documentation."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.base import FEATURES, Support
from gateway.dialects.openai.quirks import Quirks

ALL: Mapping[str, Support] = MappingProxyType(dict.fromkeys(FEATURES, "yes"))

FEATURES_OF_FIELD: Mapping[str, tuple[str, ...]] = {
    "n": ("n",),
    "seed": ("seed",),
    "logit_bias": ("logit_bias",),
    "logprobs": ("logprobs",),
    "frequency_penalty": ("penalties",),
    "presence_penalty": ("penalties",),
    "tools": ("tools", "tool_choice", "parallel_tool_calls", "tool_results"),
    "tool_choice": ("tool_choice",),
    "tool_choice=required": ("tool_choice",),
    "tool_choice=function": ("tool_choice",),
    "parallel_tool_calls": (),
    "response_format=json_schema": ("json_schema",),
    "response_format=json_object": ("json_object",),
    "dimensions": ("embedding_dimensions",),
    "audio": ("audio_output",),
}
"""Which rows of the documentation a refused field answers with no."""

FEATURES_OF_ENDPOINT: Mapping[str, tuple[str, ...]] = {
    "completions": ("completions",),
    "embeddings": ("embeddings", "embedding_dimensions", "embedding_base64", "embedding_tokens"),
}


def support_by_quirks(quirks: Quirks) -> Mapping[str, Support]:
    """Refused where a field or an endpoint is missing, translated where we say it otherwise."""
    refused = set(quirks.lacks)
    for field in quirks.refuse_fields:
        refused.update(FEATURES_OF_FIELD.get(field, ()))
    for endpoint, features in FEATURES_OF_ENDPOINT.items():
        if endpoint not in quirks.endpoints:
            refused.update(features)
    support: dict[str, Support] = {feature: "refused" if feature in refused else "yes" for feature in FEATURES}
    for feature in _translated(quirks):
        if support[feature] == "yes":
            support[feature] = "translated"
    return MappingProxyType(support)


def _translated(quirks: Quirks) -> set[str]:
    said = {"max_tokens"} if quirks.max_tokens_field else set()
    said |= {"embedding_base64"} if "base64" not in quirks.embedding_formats else set()
    said |= set() if quirks.cache_markers else {"prompt_cache"}
    said |= set() if quirks.developer_role else {"system_prompt"}
    renamed = {"seed": "seed", "dimensions": "embedding_dimensions"}
    return said | {renamed[old] for old, _ in quirks.rename_fields if old in renamed}
