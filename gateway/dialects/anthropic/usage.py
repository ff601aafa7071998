"""Read Anthropic's usage, whose buckets are disjoint already but for the thoughts."""

from typing import Any

from gateway.domain.answer import Usage

MOST = 10**12
"""More tokens than any answer has: a number beyond it is a mistake."""
NUMBERS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


def read_usage(given: Any) -> Usage | None:
    """None where a number is missing or cannot be true."""
    if not isinstance(given, dict):
        return None
    numbers = [_tokens(given.get(name), missing=0 if name.startswith("cache") else None) for name in NUMBERS]
    details = given.get("output_tokens_details")
    thoughts = _tokens(details.get("thinking_tokens"), missing=0) if isinstance(details, dict) else 0
    fresh, read, written, output = numbers
    if fresh is None or read is None or written is None or output is None or thoughts is None:
        return None
    thoughts = min(thoughts, output)
    return Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=output - thoughts,
        reasoning_tokens=thoughts,
    )


def _tokens(value: object, *, missing: int | None) -> int | None:
    if value is None:
        return missing
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST else None
