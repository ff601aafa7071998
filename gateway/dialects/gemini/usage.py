"""Take Google's overlapping counts apart into disjoint buckets."""

from typing import Any

from gateway.domain.answer import Usage

MOST = 10**12
"""More tokens than any answer has: a number beyond it is a mistake."""


def read_usage(given: Any) -> Usage | None:
    """The prompt's count contains the cached tokens, the candidates' not the thoughts. None where it cannot be true."""
    if not isinstance(given, dict):
        return None
    prompt = _tokens(given.get("promptTokenCount"), missing=None)
    cached = _tokens(given.get("cachedContentTokenCount"))
    output = _tokens(given.get("candidatesTokenCount"))
    thoughts = _tokens(given.get("thoughtsTokenCount"))
    by_tools = _tokens(given.get("toolUsePromptTokenCount"))
    if prompt is None or cached is None or output is None or thoughts is None or by_tools is None or cached > prompt:
        return None
    audio, image = _media(given)
    if audio + image > prompt - cached:
        audio = image = 0
    spoken = min(_modality(given.get("candidatesTokensDetails"), "AUDIO"), output)
    return Usage(
        input_tokens=prompt - cached - audio - image + by_tools,
        cache_read_tokens=cached,
        output_tokens=output - spoken,
        reasoning_tokens=thoughts,
        audio_input_tokens=audio,
        audio_output_tokens=spoken,
        image_tokens=image,
    )


def _media(given: dict[str, Any]) -> tuple[int, int]:
    """Audio and image tokens that were not read from a cache."""
    prompt, cache = given.get("promptTokensDetails"), given.get("cacheTokensDetails")
    audio, image = (max(0, _modality(prompt, kind) - _modality(cache, kind)) for kind in ("AUDIO", "IMAGE"))
    return audio, image


def _modality(rows: Any, kind: str) -> int:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("modality") == kind:
            return _tokens(row.get("tokenCount")) or 0
    return 0


def _tokens(value: object, *, missing: int | None = 0) -> int | None:
    if value is None:
        return missing
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST else None
