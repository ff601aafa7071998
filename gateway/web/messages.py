"""Anthropic's surface: Messages, their events, their errors, and the count of tokens."""

from typing import Any

from gateway.dialects.inbound.messages.answer import error_body, message, token_count
from gateway.dialects.inbound.messages.writer import PING, MessagesWriter
from gateway.domain.answer import Answer, Chunk
from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.decide import explain
from gateway.flow.gateway import Gateway, moment_of
from gateway.flow.receipt import Receipt
from gateway.web.answer import encode
from gateway.web.errors import attempts_of
from gateway.web.head import Lines, lines_of
from gateway.web.openai import lines, status
from gateway.web.surface import Surface


def refusal(error: RequestError, visit: Visit) -> bytes:
    """Anthropic's shape; what else we know stands beside its two words."""
    body = error_body(error, request_id(visit))
    inner: dict[str, Any] = body["error"]
    inner["code"] = error.code
    if error.param is not None:
        inner["param"] = error.param
    if error.attempts:
        inner["attempts"] = attempts_of(error)
    if error.facts:
        inner |= error.facts
    if error.provider is not None:
        inner["provider"] = body["provider"] = error.provider
    return encode(body)


def request_id(visit: Visit) -> str:
    return f"req-{visit.ulid}"


def whole(receipt: Receipt, answer: Answer) -> bytes:
    return encode(message(answer, receipt.usage))


class EventWriter:
    """Chunks as the events of a Message."""

    __slots__ = ("_inner", "_receipt")

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self._inner = MessagesWriter(receipt.ask.input_tokens)

    def frames(self, chunks: list[Chunk]) -> bytes:
        return b"".join([frame for chunk in chunks for frame in self._inner.feed(chunk)])

    def done(self) -> bytes:
        return b"".join(self._inner.done(self._receipt.usage))

    def broken(self, error: RequestError) -> bytes:
        return self._inner.broken(error, request_id(self._receipt.visit))


def everywhere(visit: Visit) -> Lines:
    """Where Anthropic's clients look for the id of a request."""
    return lines_of([(b"request-id", request_id(visit).encode())])


MESSAGES = Surface(
    status=status,
    refusal=refusal,
    whole=whole,
    lines=lines,
    writer=EventWriter,
    everywhere=everywhere,
    keepalive=PING,
)


def count_tokens(gateway: Gateway, visit: Visit, ask: Ask) -> bytes:
    """Our estimate of the input, for a model that this key may use."""
    explain(visit.snapshot, moment_of(gateway, visit.snapshot), ask)
    return encode(token_count(ask.input_tokens))
