"""Which call a deployment is for, and whether one of ours makes it."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.config.litellm.vendors import Vendor

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {"chat": "chat", "responses": "chat", "completion": "completions", "embedding": "embeddings"}
)
MODES: tuple[tuple[str, str], ...] = (
    (r"rerank", "rerank"),
    (r"embed|voyage|bge-|e5-", "embedding"),
    (r"dall-e|gpt-image|imagen|stable-diffusion|flux", "image_generation"),
    (r"whisper|transcribe", "audio_transcription"),
    (r"(^|/)tts|-tts", "audio_speech"),
    (r"moderation", "moderation"),
    (r"realtime", "realtime"),
)
"""What a name gives away where `mode` is not said."""


def mode_of(prefix: str, model: str) -> str:
    if prefix.startswith(("text-completion", "azure_text")):
        return "completion"
    return next((mode for sign, mode in MODES if re.search(sign, model)), "chat")


def why_not(vendor: Vendor | None, prefix: str, endpoint: str | None, id_: str) -> str | None:
    """The reason for which a deployment is left out, if there is one."""
    if not id_:
        return "there is no `model`"
    if vendor is None:
        return f"no dialect here speaks `{prefix}`"
    if vendor.only and not re.search(vendor.only, id_):
        return f"the dialect `{vendor.dialect}` calls Google's own models only"
    return "the gateway has no endpoint for this mode" if endpoint is None else None
