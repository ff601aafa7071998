"""What Claude's models differ in, read off their ids: budgets of thought, and how far they may be told to sample."""

from collections.abc import Mapping
from typing import Any

BUDGETED = (
    "claude-3",
    "opus-4-0",
    "opus-4-1",
    "opus-4-2025",
    "opus-4-5",
    "sonnet-4-0",
    "sonnet-4-2025",
    "sonnet-4-5",
    "haiku-4-5",
)
"""Models older than adaptive thinking, by a part of their id."""
SAMPLED = (*BUDGETED, "opus-4-6", "sonnet-4-6", "claude-2", "claude-v", "claude-instant")
"""Models that take `temperature`, `top_p` and `top_k`; every newer one answers them with an error."""
ONE_OF_TWO = ("opus-4-1", "opus-4-5", "sonnet-4-5", "haiku-4-5", "opus-4-6", "sonnet-4-6")
"""Of these, the ones that take `temperature` or `top_p`, but not both."""
SAMPLING = ("temperature", "top_p", "top_k")


def refused_sampling(payload: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """The sampling fields that this model would refuse; 1 is what it does anyway, and is never sent."""
    told = tuple(name for name in SAMPLING if payload.get(name) is not None and (name == "top_k" or payload[name] != 1))
    if not told or "claude" not in model:
        return ()
    if not any(part in model for part in SAMPLED):
        return told
    if "temperature" in told and "top_p" in told and any(part in model for part in ONE_OF_TWO):
        return ("top_p",)
    return ()
