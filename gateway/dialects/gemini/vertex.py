"""Speak to Gemini models at Vertex AI: other addresses, a token instead of a key, the same words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from gateway.dialects import expressible as can
from gateway.dialects.base import NO_PROOF, Around, Proof, Support, Token
from gateway.dialects.gemini.dialect import Gemini, verb
from gateway.dialects.gemini.embeddings import predict_body
from gateway.dialects.gemini.expressible import EMBEDDING_FIELDS
from gateway.dialects.gemini.google_token import token_answer, token_call
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Headers, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure

TIERS_THERE = (None, "auto", "default")


class Vertex(Gemini):
    """`projects/{project}/locations/{location}/publishers/google/models/{id}`; with a key alone, express mode."""

    support: Mapping[str, Support] = MappingProxyType({**Gemini.support, "model_listing": "refused"})

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:
        names = super().unsayable(ask, provider)
        return names if ask.payload.get("service_tier") in TIERS_THERE else (*names, "service_tier")

    def address(self, ask: Ask, offer: Offer, provider: Provider) -> str:
        what = "predict" if ask.endpoint == "embeddings" else verb(ask)
        return f"{provider.base_url.rstrip('/')}/{place(provider)}{model_path(offer.id)}:{what}"

    def body(self, ask: Ask, offer: Offer) -> dict[str, Any]:
        if ask.endpoint == "embeddings":
            return predict_body(can.expressed(ask.payload, EMBEDDING_FIELDS))
        wire = super().body(ask, offer)
        wire.pop("serviceTier", None)  # its only value here is what happens anyway
        return wire

    def credentials(self, provider: Provider, proof: Proof) -> Headers:
        if proof.token is not None:
            return (("authorization", f"Bearer {proof.token.value.reveal()}"),)
        return super().credentials(provider, proof)

    def token_call(self, provider: Provider, around: Around) -> Call | Token | Failure | None:
        return token_call(provider, around) if provider.api_key is None else None

    def token_answer(self, reply: Reply, now_unix: float) -> Token | Failure:
        return token_answer(reply, now_unix)

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:  # noqa: ARG002
        return None


def place(provider: Provider) -> str:
    """Whose quota and which region; empty in express mode."""
    options = provider.options
    if "project" not in options:
        return ""
    location = options["location"].reveal() if "location" in options else "global"
    return f"projects/{quote(options['project'].reveal(), safe=':')}/locations/{quote(location, safe='')}/"


def model_path(model: str) -> str:
    """A plain id is one of Google's own models; another publisher's or an endpoint's says where it lives."""
    return quote(model if "/" in model else f"publishers/google/models/{model}")
