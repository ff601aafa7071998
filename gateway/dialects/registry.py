"""Who speaks each dialect: one line for every module that talks."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.dialects.anthropic.dialect import Anthropic
from gateway.dialects.azure import Azure
from gateway.dialects.base import Dialect
from gateway.dialects.bedrock.dialect import Bedrock
from gateway.dialects.cohere.dialect import Cohere
from gateway.dialects.echo.dialect import Echo
from gateway.dialects.gemini.dialect import Gemini
from gateway.dialects.gemini.vertex import Vertex
from gateway.dialects.openai.dialect import OpenAI
from gateway.dialects.voyage import Voyage
from gateway.domain.dialect_facts import DIALECTS

SPEAKERS: Mapping[str, Dialect] = MappingProxyType(
    {
        "azure": Azure(),
        "echo": Echo(),
        "openai": OpenAI(),
        "anthropic": Anthropic(),
        "gemini": Gemini(),
        "vertex": Vertex(),
        "bedrock": Bedrock(),
        "cohere": Cohere(),
        "voyage": Voyage(),
    }
)
"""By the `speaks` of `domain.dialect_facts`."""

BY_NAME: Final[dict[str, Dialect]] = {name: SPEAKERS[facts.speaks] for name, facts in DIALECTS.items()}
"""By what a provider's `dialect:` says. Nobody changes it; a dict is looked up sooner than a view of one."""

PLAIN = frozenset(dialect for dialect in SPEAKERS.values() if not (dialect.offline or dialect.fetches_tokens))
"""Those whose calls need nothing but a provider and a network."""


def dialect_of(name: str) -> Dialect:
    """The speaker for what a provider's `dialect:` says."""
    return BY_NAME[name]
