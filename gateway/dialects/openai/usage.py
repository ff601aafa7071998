"""Read the usage of any compatible host into disjoint buckets; what cannot be true is no usage at all."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.dialects.chunks import usage_fields
from gateway.domain.answer import Usage

MOST_TOKENS = (1 << 30) - 1
"""All bits of it are set: numbers that are neither negative nor beyond it stay within it when they are or-ed."""


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


SAID: msgspec.json.Decoder[Said | None] = msgspec.json.Decoder(Said | None)
"""Of the `usage` of an answer as it was sent."""


def usage_of(said: Any) -> Usage | None:
    """`said` is the decoded `usage` object; None where it is missing or nonsense."""
    try:
        return counted(msgspec.convert(said, Said))
    except (msgspec.ValidationError, OverflowError):
        return None


def in_openais_counts(said: dict[str, Any], usage: Usage) -> dict[str, Any] | None:
    """`said` with reasoning inside the completion and cached input where OpenAI has it; None where it is so already."""
    return None if is_openais(msgspec.convert(said, Said), usage) else said | usage_fields(usage)


def is_openais(said: Said, usage: Usage) -> bool:
    """Said as OpenAI says it: no need to say it again."""
    details, completion = said.prompt_tokens_details, said.completion_tokens
    cached = 0 if details is None else details.cached_tokens or 0
    return cached == usage.cache_read_tokens and (
        completion is None or completion == usage.output_tokens + usage.reasoning_tokens + usage.audio_output_tokens
    )


NO_PROMPT_DETAILS = (None, PromptDetails(cached_tokens=0, audio_tokens=0), PromptDetails(cached_tokens=0))
NO_COMPLETION_DETAILS = (None, CompletionDetails(reasoning_tokens=0, audio_tokens=0), CompletionDetails())


def counted(said: Said) -> Usage | None:
    """In disjoint buckets; None where that cannot be."""
    if (
        said.prompt_tokens_details not in NO_PROMPT_DETAILS
        or said.completion_tokens_details not in NO_COMPLETION_DETAILS
        or said.prompt_cache_hit_tokens
        or said.cached_tokens
        or said.reasoning_tokens
    ):
        return counted_apart(said)
    prompt, completion = said.prompt_tokens, said.completion_tokens or 0
    return Usage(input_tokens=prompt, output_tokens=completion) if 0 <= prompt | completion <= MOST_TOKENS else None


def counted_apart(said: Said) -> Usage | None:
    """Where parts of the prompt or of the completion were counted by themselves."""
    cached = written = audio = images = reasoning = spoken = 0
    prompt, completion = said.prompt_tokens_details, said.completion_tokens_details
    if prompt is not None:
        cached, written = prompt.cached_tokens or 0, prompt.cache_write_tokens or 0
        audio, images = prompt.audio_tokens or 0, prompt.image_tokens or 0
    if completion is not None:
        reasoning, spoken = completion.reasoning_tokens or 0, completion.audio_tokens or 0
    cached = cached or said.prompt_cache_hit_tokens or said.cached_tokens or 0
    reasoning = reasoning or said.reasoning_tokens or 0
    output = (said.completion_tokens or 0) - spoken
    if reasoning and not _reasoning_is_extra(said, reasoning, output):
        output -= reasoning
    fresh = said.prompt_tokens - cached - written - audio
    if images > fresh:  # some count an image that was cached twice
        images = 0
    fresh -= images
    if not 0 <= fresh | cached | written | output | reasoning | audio | spoken | images <= MOST_TOKENS:
        return None
    return Usage(
        input_tokens=fresh,
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
    if said.total_tokens is None:
        return reasoning > output
    return said.total_tokens == said.prompt_tokens + (said.completion_tokens or 0) + reasoning
