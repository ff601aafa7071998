"""Read a stream whose events are JSON in somebody else's words: framing, broken events and ends, in one place."""

from typing import Any

import msgspec

from gateway.dialects.base import Seal
from gateway.dialects.chunks import chunk_head, model_name, usage_chunk
from gateway.dialects.failures import garbled
from gateway.domain.answer import Chunk, Usage
from gateway.domain.trail import Failure
from gateway.sse import SseReader

TOO_LARGE = Failure(
    kind="garbled",
    code="event_too_large",
    message="The provider sent an event without an end.",
    status=200,
    same_offer=False,
    possibly_billed=True,
)
INCOMPLETE = Failure(
    kind="transient",
    code="upstream_incomplete",
    message="The provider's stream ended before the answer did.",
    status=200,
    possibly_billed=True,
)
DECODE = msgspec.json.Decoder().decode


class TranslatingReader:
    """A dialect says in `on_event` what one event means; the rest is the same for all of them."""

    __slots__ = ("_head", "_over", "_seal", "_sse", "_usage_told", "finished", "model", "usage")

    def __init__(self, seal: Seal) -> None:
        self.finished = False
        self.usage: Usage | None = None
        self.model = ""
        self._seal = seal
        self._sse = SseReader()
        self._head = b""
        self._over = False
        self._usage_told = False

    def on_event(self, event: dict[str, Any], out: list[Chunk | Failure]) -> None:
        """Append what one event means; a Failure ends the stream."""
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Chunk | Failure]:
        out: list[Chunk | Failure] = []
        for event in () if self._over else self._sse.feed(data):
            self._take(event.data, out)
        if self._sse.overflow and not self._over:
            self._break(TOO_LARGE, out)
        return out

    def end(self) -> list[Chunk | Failure]:
        """What is left when the bytes are over: usage, or the news that the answer is not whole."""
        out: list[Chunk | Failure] = []
        for event in () if self._over else self._sse.end():
            if _whole(event.data) or self.finished:
                self._take(event.data, out)
        if self.finished:
            self.tell_usage(out)
        elif not self._over:
            self._break(INCOMPLETE, out)
        self._over = True
        return out

    def _take(self, data: bytes, out: list[Chunk | Failure]) -> None:
        if self._over:
            return  # bytes behind the end say nothing
        try:
            event = DECODE(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event = None
        if not isinstance(event, dict):
            if self.finished:
                return  # the answer is whole; what nobody can read adds nothing to it
            self._break(garbled("The provider sent an event that is not a JSON object."), out)
            return
        self.on_event(event, out)
        if out and isinstance(out[-1], Failure):
            self._over = True

    def _break(self, failure: Failure, out: list[Chunk | Failure]) -> None:
        self._over = True
        out.append(failure)

    def name_model(self, model: object) -> None:
        """The head of every chunk is written once, when the model is known."""
        self.model = model_name(self._seal, model)
        self._head = chunk_head(self._seal, self.model)

    @property
    def head(self) -> bytes:
        if not self._head:
            self.name_model(None)
        return self._head

    def tell_usage(self, out: list[Chunk | Failure]) -> None:
        """The chunk with the usage, once."""
        if self.usage is not None and not self._usage_told and not self._over:
            self._usage_told = True
            out.append(usage_chunk(self.head, self.usage))


def _whole(data: bytes) -> bool:
    """A last event without its blank line is believed only if its JSON is complete."""
    try:
        DECODE(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
