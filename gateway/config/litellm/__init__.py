"""Translate the configuration of another gateway, LiteLLM's proxy, and say what does not come along."""

from gateway.config.litellm.sheet import Loss
from gateway.config.litellm.translate import Translation, translate

__all__ = ["Loss", "Translation", "translate"]
