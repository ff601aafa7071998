"""Speak AWS Bedrock: Converse for chat, InvokeModel for embeddings."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, urlsplit

import msgspec

from gateway.dialects import expressible as can
from gateway.dialects.anthropic.models import SAMPLING, refused_sampling
from gateway.dialects.base import NO_PROOF, Around, Dialect, Proof, Seal, StreamReader, Support, Token
from gateway.dialects.bedrock import credentials, embed, request, sts
from gateway.dialects.bedrock.answer import read_answer
from gateway.dialects.bedrock.errors import refusal
from gateway.dialects.bedrock.expressible import EMBEDDING_FIELDS, unexpressed
from gateway.dialects.bedrock.reader import Reader
from gateway.dialects.bedrock.sigv4 import Keys, Scope, sign
from gateway.dialects.failures import garbled, read_json
from gateway.domain.answer import Answer
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Headers, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret

REFUSED = ("audio_output", "n", "seed", "penalties", "logit_bias", "logprobs", "completions", "embedding_tokens")
SUPPORT: Mapping[str, Support] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("chat", "streaming", "system_prompt", "tools", "tool_choice", "tool_results", "image_data"),
                *("audio_input", "json_object", "json_schema", "stop", "sampling", "max_tokens", "reasoning_effort"),
                *("reasoning_content", "prompt_cache", "usage", "cached_tokens", "embeddings", "embedding_dimensions"),
                *("embedding_base64", "model_listing"),
            ),
            "translated",
        ),
        **dict.fromkeys((*REFUSED, "image_url", "parallel_tool_calls", "reasoning_tokens"), "refused"),
    }
)
DEFAULT_REGION = "us-east-1"
REGION_IN_HOST = re.compile(r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")
LOOK_AGAIN_S = 360.0
"""Keys from files and the environment may be replaced at any time, so they are looked up anew."""


class Bedrock(Dialect):
    """`{base_url}/model/{id}/converse`, `/converse-stream` and `/invoke`."""

    support = SUPPORT

    model_fields = frozenset(SAMPLING)

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:  # noqa: ARG002
        if ask.endpoint == "embeddings":
            return tuple(can.unexpressed(ask.payload, EMBEDDING_FIELDS))
        return unexpressed(ask.payload)

    def refused_by_model(self, ask: Ask, provider: Provider, offer: Offer) -> tuple[str, ...]:  # noqa: ARG002
        return refused_sampling(ask.payload, offer.id)

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:
        if ask.endpoint == "embeddings":
            verb, wire = "invoke", embed.body(ask.payload, offer, provider)
        else:
            verb, wire = "converse-stream" if ask.stream else "converse", request.body(ask.payload, offer, provider)
        url = f"{address(provider)}/model/{quote(offer.id, safe='')}/{verb}"
        headers = FRAMES if verb == "converse-stream" else JSON
        return _opened(Call(url=url, headers=headers, body=msgspec.json.encode(wire)), provider, proof)

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        return embed.read(ask, reply, seal) if ask.endpoint == "embeddings" else read_answer(reply, seal)

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        return refusal(status, headers, body)

    def reader(self, ask: Ask, seal: Seal) -> StreamReader:  # noqa: ARG002
        return Reader(seal)

    def token_call(self, provider: Provider, around: Around) -> Call | Token | Failure | None:
        if provider.api_key is not None or _own_keys(provider) is not None:
            return None
        found = credentials.find(provider.options, around)
        if isinstance(found, credentials.Role):
            region = region_of(provider)
            url = _sts_url(provider, around, region)
            return sts.role_call(found, url=url, region=region, now_unix=around.now_unix)
        return found if isinstance(found, Failure) else _token(found, around.now_unix + LOOK_AGAIN_S)

    def token_answer(self, reply: Reply, now_unix: float) -> Token | Failure:
        found = sts.role_keys(reply, now_unix)
        return found if isinstance(found, Failure) else _token(*found)

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:
        place = address(provider)
        if "//bedrock-runtime" not in place:
            return None
        url = place.replace("//bedrock-runtime", "//bedrock", 1) + "/foundation-models"
        return _opened(Call(method="GET", url=url, headers=JSON[1:]), provider, proof)

    def listed(self, reply: Reply) -> tuple[str, ...] | Failure:
        if reply.status != 200:
            return refusal(reply.status, reply.headers, reply.body)
        fields = read_json(reply.body)
        rows = fields.get("modelSummaries") if isinstance(fields, dict) else None
        if not isinstance(rows, list):
            return garbled("The provider's list of models has no `modelSummaries`.")
        return tuple(row["modelId"] for row in rows if isinstance(row, dict) and isinstance(row.get("modelId"), str))


def address(provider: Provider) -> str:
    """Where the provider lives; `{region}` in its address stands for the region in its options."""
    region = region_of(provider)
    base = provider.base_url.rstrip("/")
    if "{region}" not in base:
        return base
    return base.replace("{region}", region) + (".cn" if region.startswith("cn-") else "")


def region_of(provider: Provider) -> str:
    """As the file says, or as the address tells."""
    if "region" in provider.options:
        return provider.options["region"].reveal()
    told = REGION_IN_HOST.search(urlsplit(provider.base_url).hostname or "")
    return told[1] if told else DEFAULT_REGION


JSON: Headers = (("content-type", "application/json"), ("accept", "application/json"))
FRAMES: Headers = (("content-type", "application/json"), ("accept", "application/vnd.amazon.eventstream"))


def _opened(call: Call, provider: Provider, proof: Proof) -> Call:
    """The call with whatever opens the door: an API key, or a signature."""
    headers = call.headers
    bearer, keys = provider.api_key, _own_keys(provider)
    if bearer is None and keys is None and proof.token is not None:
        held = HELD.decode(proof.token.value.reveal())
        bearer, keys = (Secret(held.bearer), None) if held.bearer else (None, held.keys)
    if bearer is not None:
        headers = (*headers, ("authorization", f"Bearer {bearer.reveal()}"))
    elif keys is not None:
        scope = Scope(region=region_of(provider), service="bedrock")
        headers = sign(keys, scope, proof.now_unix, url=call.url, headers=headers, body=call.body, method=call.method)
    more = tuple((name, value.reveal()) for name, value in provider.headers)
    return msgspec.structs.replace(call, headers=(*headers, *more))


def _own_keys(provider: Provider) -> Keys | None:
    """Keys that stand in the options and need no role."""
    options = provider.options
    if "access_key_id" not in options or "secret_access_key" not in options or "role_arn" in options:
        return None
    session = options["session_token"].reveal() if "session_token" in options else None
    access, secret = options["access_key_id"].reveal(), options["secret_access_key"].reveal()
    return Keys(access_key_id=access, secret_access_key=secret, session_token=session or None)


class Held(msgspec.Struct, frozen=True):
    """What a token of ours holds inside."""

    keys: Keys | None = None
    bearer: str | None = None


HELD = msgspec.json.Decoder(Held)


def _token(found: Keys | credentials.Bearer, expires_unix: float) -> Token:
    held = Held(keys=found) if isinstance(found, Keys) else Held(bearer=found.key.reveal())
    return Token(value=Secret(msgspec.json.encode(held).decode()), expires_unix=expires_unix)


def _sts_url(provider: Provider, around: Around, region: str) -> str:
    if "sts_url" in provider.options:
        return provider.options["sts_url"].reveal()
    suffix = ".cn" if region.startswith("cn-") else ""
    return around.environment.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.amazonaws.com{suffix}/"
