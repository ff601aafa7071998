"""What OpenAI's own models differ in, read off their ids: which let themselves be sampled, and which can think."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

SAMPLING: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "temperature": (1,),
        "top_p": (1,),
        "presence_penalty": (0,),
        "frequency_penalty": (0,),
        "logprobs": (False,),
        "top_logprobs": (),
        "logit_bias": ({},),
    }
)
"""Fields that models refuse while they think, and the values that every model takes."""
MODEL_FIELDS = frozenset({*SAMPLING, "reasoning_effort"})

ALWAYS_THINKING = re.compile(r"(?:o[134]|gpt-5)(?:-(?!chat|search)|$)")
THINKING_IF_ASKED = re.compile(r"gpt-(?:5\.|[6-9])(?!.*chat)")
NEVER_THINKING = re.compile(r"gpt-3\.5|gpt-4|chatgpt-4")
WHILE_THINKING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})
"""What newer models refuse if they are asked to think; what they do of their own accord is theirs to say."""


def refused_by(payload: Mapping[str, Any], model: str) -> tuple[str, ...]:
    """The fields that this model would answer with an error."""
    effort = payload.get("reasoning_effort")
    if ALWAYS_THINKING.match(model):
        return tuple(name for name in SAMPLING if _matters(name, payload.get(name)))
    if THINKING_IF_ASKED.match(model) and effort not in (None, "none"):
        return tuple(name for name in SAMPLING if name in WHILE_THINKING and _matters(name, payload.get(name)))
    if effort is not None and NEVER_THINKING.match(model):
        return ("reasoning_effort",)
    return ()


def _matters(name: str, given: Any) -> bool:
    return given is not None and given not in SAMPLING[name]
