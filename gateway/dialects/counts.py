"""Believe a provider's number of tokens, or not."""

MOST_TOKENS = 1_000_000_000
"""More than any answer has: a number beyond it is a mistake."""


def tokens(value: object) -> int | None:
    """A whole number that can be true, also where it was written as `12.0`; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS:
        return value
    return None


def tokens_or_zero(value: object) -> int | None:
    """The same, for numbers that may be left out."""
    return 0 if value is None else tokens(value)
