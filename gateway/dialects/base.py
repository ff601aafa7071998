"""What every dialect can do: turn an ask into a call, and what comes back into OpenAI's words."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, Protocol

from msgspec import Struct

from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Call, HeardHeaders, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret

Support = Literal["yes", "translated", "refused"]

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "chat": "Chat completions",
        "streaming": "Streaming",
        "system_prompt": "System and developer messages",
        "tools": "Tool definitions and calls",
        "tool_choice": "Tool choice (none, auto, required, named)",
        "parallel_tool_calls": "Parallel tool calls",
        "tool_results": "Tool results",
        "image_url": "Images by URL",
        "image_data": "Images as data URLs",
        "audio_input": "Audio input",
        "audio_output": "Audio output",
        "json_object": "`response_format: json_object`",
        "json_schema": "`response_format: json_schema`",
        "stop": "Stop sequences",
        "sampling": "`temperature`, `top_p`",
        "max_tokens": "`max_tokens`, `max_completion_tokens`",
        "n": "Several choices (`n`)",
        "seed": "`seed`",
        "penalties": "`frequency_penalty`, `presence_penalty`",
        "logit_bias": "`logit_bias`",
        "logprobs": "`logprobs`",
        "reasoning_effort": "`reasoning_effort`",
        "reasoning_content": "Reasoning in answers (`reasoning_content`)",
        "prompt_cache": "Prompt cache markers (`cache_control`)",
        "usage": "Usage",
        "cached_tokens": "Cached tokens in usage",
        "reasoning_tokens": "Reasoning tokens in usage",
        "completions": "Legacy completions",
        "embeddings": "Embeddings",
        "embedding_dimensions": "Embedding `dimensions`",
        "embedding_base64": "Embeddings as base64",
        "embedding_tokens": "Embeddings of token arrays",
        "model_listing": "Model listing",
    }
)
"""Rows of docs/providers.md: what a dialect's `support` must speak about, and how people call it."""


class Seal(Struct, frozen=True, kw_only=True):
    """What every answer carries in place of the provider's own: our id, the time, the prefix of the model's name."""

    id: str
    """Letters, digits, dashes."""
    created: int
    provider: str
    model: str = ""
    """The offer's id: stands in where the provider names no model."""


class Token(Struct, frozen=True, kw_only=True):
    """A credential that was fetched, opaque to all but the dialect that asked for it."""

    value: Secret
    expires_unix: float


class Around(Struct, frozen=True, kw_only=True):
    """What a credential may depend on beyond the files."""

    now_unix: float
    environment: Mapping[str, str] = MappingProxyType({})
    read: Callable[[str], str | None] = lambda _: None
    """The text of a file by its path; None where it cannot be read."""


class Proof(Struct, frozen=True, kw_only=True):
    """What a request is signed with beyond the provider's own key; made for dialects that fetch tokens."""

    now_unix: float = 0.0
    token: Token | None = None
    """There whenever `token_call` did not say None."""


NO_PROOF = Proof()


class StreamReader(Protocol):
    """Bytes in, chunks out; does no I/O, so it can be fed in any cuts.

    `Failure` as the last element means the stream is broken; nothing follows it. An error inside the stream, an
    end without a finish, bad JSON, an endless event: all are Failures, none is skipped in silence.
    """

    @property
    def finished(self) -> bool:
        """Every choice has ended, or the provider said it is done: an end of bytes is no fault now."""
        ...

    @property
    def usage(self) -> Usage | None: ...

    @property
    def model(self) -> str:
        """As the provider named it."""
        ...

    def feed(self, data: bytes) -> list[Chunk | Failure]: ...

    def end(self) -> list[Chunk | Failure]:
        """The bytes are over."""
        ...


class Dialect(Protocol):
    """One way of speaking. Stateless: everything a request needs is an argument.

    A dialect derives from this class and inherits what it does not need to say: no network-less performance, no
    token, no listing.
    """

    support: Mapping[str, Support]
    """Feature (a key of FEATURES) to how well it is spoken; a missing one is refused."""

    model_fields: frozenset[str] = frozenset()
    """The fields that `refused_by_model` looks at."""

    offline: bool = False
    """Answers without a network: `perform` and `perform_stream` stand in for the wire."""

    fetches_tokens: bool = False
    """`token_call` may say something else than None."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.fetches_tokens = cls.token_call is not Dialect.token_call

    def support_of(self, dialect: str) -> Mapping[str, Support]:  # noqa: ARG002
        """The same for one of the hosts that speak alike, by its name in the file."""
        return self.support

    def unsupported(self, ask: Ask, provider: Provider, offer: Offer) -> tuple[str, ...]:
        """The request fields that cannot be expressed to this offer, by their OpenAI path."""
        unsaid = self.unsayable(ask, provider)
        if self.model_fields.isdisjoint(ask.payload):
            return unsaid
        return (*unsaid, *(name for name in self.refused_by_model(ask, provider, offer) if name not in unsaid))

    def unsayable(self, ask: Ask, provider: Provider) -> tuple[str, ...]:
        """The fields this dialect has no words for, whatever the model; asked once for each provider."""
        ...

    def refused_by_model(self, ask: Ask, provider: Provider, offer: Offer) -> tuple[str, ...]:  # noqa: ARG002
        """The fields this one model would refuse; asked for each offer if a field of `model_fields` is there."""
        return ()

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:
        """The wire request. Fields that `unsupported` names are left out."""
        ...

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        """A whole reply of any status."""
        ...

    def refusal(self, status: int, headers: HeardHeaders, body: bytes) -> Failure:
        """What an error status means."""
        ...

    def reader(self, ask: Ask, seal: Seal) -> StreamReader:
        """For a stream that was answered with 200."""
        ...

    def token_call(self, provider: Provider, around: Around) -> Call | Token | Failure | None:  # noqa: ARG002
        """How to get the token that `request` needs: a call to make, the token itself, why there is none, or no need.

        Cached by provider identity until shortly before it expires; a call's reply goes to `token_answer`.
        """
        return None

    def token_answer(self, reply: Reply, now_unix: float) -> Token | Failure:  # noqa: ARG002
        """The token that a call of `token_call` brought."""
        return Failure(kind="garbled", code="upstream_auth", message="No token was asked for.", status=reply.status)

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:  # noqa: ARG002
        """How to ask which models there are; None where nobody can be asked."""
        return None

    def listed(self, reply: Reply) -> tuple[str, ...] | Failure:
        """The ids that a call of `listing` brought."""
        return Failure(kind="garbled", code="malformed_response", message="No list of models.", status=reply.status)

    def perform(self, call: Call) -> Reply:
        """Only where `offline`: what the provider would answer."""
        return Reply(status=501, headers=(), body=call.body[:0])

    def perform_stream(self, call: Call) -> Reply | Iterator[bytes]:
        """Only where `offline`: the bytes of a stream, or the whole reply that refuses it."""
        return self.perform(call)

    def pause_s(self, call: Call) -> float:  # noqa: ARG002
        """Only where `offline`: how long to wait before the reply, and before each part of a stream."""
        return 0.0
