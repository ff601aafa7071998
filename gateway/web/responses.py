"""The surface of OpenAI's Responses: its object and its events; its errors are OpenAI's."""

from gateway.dialects.inbound.responses.answer import response
from gateway.dialects.inbound.responses.writer import ResponsesWriter
from gateway.domain.answer import Answer, Chunk
from gateway.errors import RequestError
from gateway.flow.receipt import Receipt
from gateway.web.answer import encode
from gateway.web.openai import lines, refusal, status
from gateway.web.surface import Surface


def whole(receipt: Receipt, answer: Answer) -> bytes:
    return encode(response(receipt.ask.said, answer, receipt.usage))


class EventWriter:
    """Chunks as the events of a Response."""

    __slots__ = ("_inner", "_receipt")

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self._inner = ResponsesWriter(receipt.ask.said)

    def frames(self, chunks: list[Chunk]) -> bytes:
        return b"".join([frame for chunk in chunks for frame in self._inner.feed(chunk)])

    def done(self) -> bytes:
        return b"".join(self._inner.done(self._receipt.usage))

    def broken(self, error: RequestError) -> bytes:
        return b"".join(self._inner.broken(error))


RESPONSES = Surface(status=status, refusal=refusal, whole=whole, lines=lines, writer=EventWriter)
