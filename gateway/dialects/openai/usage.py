"""Read the usage of any compatible host into disjoint buckets; what cannot be true is no usage at all."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.chunks import usage_fields
from gateway.domain.answer import Usage

MOST_TOKENS = 1_000_000_000


class PromptDetails(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class CompletionDetails(Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class Said(Struct):
    """OpenAI's counts, and what other hosts put beside them."""

    prompt_tokens: int
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's word for cached input."""
    cached_tokens: int | None = None
    """Moonshot's and Together's."""
    reasoning_tokens: int | None = None
    """Perplexity's."""


NO_PROMPT_DETAILS = PromptDetails()
NO_COMPLETION_DETAILS = CompletionDetails()


def usage_of(said: Any) -> Usage | None:
    """`said` is the decoded `usage` object; None where it is missing or nonsense."""
    try:
        return _read(msgspec.convert(said, Said))
    except (msgspec.ValidationError, OverflowError):
        return None


def in_openais_counts(said: dict[str, Any], usage: Usage) -> dict[str, Any] | None:
    """`said` with reasoning inside the completion and cached input where OpenAI has it; None where it is so already."""
    details = said.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    same = said.get("completion_tokens") in (None, usage.completion_tokens)
    if same and (cached or 0) == usage.cache_read_tokens:
        return None
    return {**said, **usage_fields(usage)}


def _read(said: Said) -> Usage | None:
    prompt = said.prompt_tokens_details or NO_PROMPT_DETAILS
    completion = said.completion_tokens_details or NO_COMPLETION_DETAILS
    cached = prompt.cached_tokens or said.prompt_cache_hit_tokens or said.cached_tokens or 0
    written, audio, images = prompt.cache_write_tokens or 0, prompt.audio_tokens or 0, prompt.image_tokens or 0
    reasoning = completion.reasoning_tokens or said.reasoning_tokens or 0
    spoken = completion.audio_tokens or 0
    output = (said.completion_tokens or 0) - spoken
    if not _reasoning_is_extra(said, reasoning, output):
        output -= reasoning
    fresh = said.prompt_tokens - cached - written - audio
    images = images if images <= fresh else 0  # some count an image that was cached twice
    counts = (fresh - images, cached, written, output, reasoning, audio, spoken, images)
    if min(counts) < 0 or max(counts) > MOST_TOKENS:
        return None
    return Usage(
        input_tokens=fresh - images,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
        reasoning_tokens=reasoning,
        audio_input_tokens=audio,
        audio_output_tokens=spoken,
        image_tokens=images,
    )


def _reasoning_is_extra(said: Said, reasoning: int, output: int) -> bool:
    """xAI counts reasoning beside the completion, all others within it; the total tells."""
    if not reasoning or said.total_tokens is None:
        return reasoning > output
    return said.total_tokens == said.prompt_tokens + (said.completion_tokens or 0) + reasoning
