"""What every dialect can do: turn an ask into a call, and what comes back into OpenAI's words."""

from collections.abc import Mapping
from typing import Literal, Protocol

from msgspec import Struct

from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Headers, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure

Support = Literal["yes", "translated", "refused"]


class Seal(Struct, frozen=True, kw_only=True):
    """What every answer carries in place of the provider's own: our id, the time, the prefix of the model's name."""

    id: str
    created: int
    provider: str


class StreamReader(Protocol):
    """Bytes in, chunks out; does no I/O, so it can be fed in any cuts.

    `Failure` as the last element means the stream is broken; nothing follows it. An error inside the stream, an
    end without a finish, bad JSON, an endless event: all are Failures, none is skipped in silence.
    """

    finished: bool
    """Every choice has ended, or the provider said it is done: an end of bytes is no fault now."""
    usage: Usage | None
    model: str
    """As the provider named it."""

    def feed(self, data: bytes) -> list[Chunk | Failure]: ...

    def end(self) -> list[Chunk | Failure]:
        """The bytes are over."""
        ...


class Dialect(Protocol):
    """One way of speaking. Stateless: everything a request needs is an argument."""

    support: Mapping[str, Support]
    """Feature (a row of docs/providers.md) to how well it is spoken."""

    def unsupported(self, ask: Ask, provider: Provider) -> tuple[str, ...]:
        """The request fields this dialect cannot express, by their OpenAI path; empty when it can say it all."""
        ...

    def request(self, ask: Ask, offer: Offer, provider: Provider) -> Call:
        """The wire request. Fields that `unsupported` names are left out."""
        ...

    def answer(self, ask: Ask, reply: Reply, seal: Seal) -> Answer | Failure:
        """A whole reply of any status."""
        ...

    def refusal(self, status: int, headers: Headers, body: bytes) -> Failure:
        """What an error status means."""
        ...

    def reader(self, ask: Ask, seal: Seal) -> StreamReader:
        """For a stream that was answered with 200."""
        ...
