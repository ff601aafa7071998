"""Translate the frames of a ConverseStream, one by one, into OpenAI's chunks."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.bedrock.answer import MALFORMED, finish_reason, malformed, read_usage
from gateway.dialects.bedrock.errors import understood
from gateway.dialects.bedrock.eventstream import Frame, FrameReader
from gateway.dialects.chunks import delta_chunk, role_chunk
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.translating import INCOMPLETE, TranslatingReader
from gateway.domain.answer import Chunk
from gateway.domain.trail import Failure

Out = list[Chunk | Failure]


class Thought:
    """A block of reasoning as it grows, until its signature closes it."""

    __slots__ = ("redacted", "signature", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.signature = ""
        self.redacted = ""


class Reader(TranslatingReader):
    """Knows which content block is which tool call; usage comes after the end, in a frame of its own."""

    __slots__ = ("_calls", "_frames", "_silent", "_thoughts")

    def __init__(self, seal: Seal) -> None:
        super().__init__(seal)
        self._frames = FrameReader()
        self._calls: dict[object, int] = {}
        self._silent: set[object] = set()
        self._thoughts: dict[object, Thought] = {}

    def feed(self, data: bytes) -> Out:
        out: Out = []
        for frame in () if self._over else self._frames.feed(data):
            self._read(frame, out)
        return out

    def end(self) -> Out:
        out: Out = []
        for frame in () if self._over or self.finished else self._frames.end():
            self._read(frame, out)
        if self.finished:
            self.tell_usage(out)
        elif not self._over:
            self._break(INCOMPLETE, out)
        self._over = True
        return out

    def _read(self, frame: Frame | Failure, out: Out) -> None:
        if self._over:
            return  # frames behind the end say nothing
        if isinstance(frame, Failure):
            self._break(frame, out)
            return
        kind = frame.headers.get(":message-type")
        said = read_json(frame.payload) if frame.payload else {}
        if kind in ("exception", "error"):
            self._break(_complaint(frame.headers, said), out)
        elif not isinstance(said, dict):
            self._break(garbled("The provider sent an event that is not a JSON object."), out)
        else:
            on = EVENTS.get(str(frame.headers.get(":event-type")))
            if on is not None:  # an event of any other type carries nothing for a chat completion
                on(self, said, out)

    def on_start(self, event: dict[str, Any], out: Out) -> None:  # noqa: ARG002
        out.append(role_chunk(self.head))

    def on_block(self, event: dict[str, Any], out: Out) -> None:
        start = event.get("start")
        tool = start.get("toolUse") if isinstance(start, dict) else None
        if not isinstance(tool, dict):
            return
        place = _index(event)
        self._calls[place] = len(self._calls)
        self._silent.add(place)
        function = {"name": _text(tool, "name"), "arguments": ""}
        call = {"index": self._calls[place], "id": _text(tool, "toolUseId"), "type": "function", "function": function}
        out.append(delta_chunk(self.head, {"tool_calls": [call]}))

    def on_delta(self, event: dict[str, Any], out: Out) -> None:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return
        if isinstance(text := delta.get("text"), str):
            if text:
                out.append(delta_chunk(self.head, {"content": text}))
        elif isinstance(tool := delta.get("toolUse"), dict):
            self._add_arguments(_index(event), _text(tool, "input"), out)
        elif isinstance(thought := delta.get("reasoningContent"), dict):
            self._add_thought(_index(event), thought, out)
        # Citations and pictures have no place in a chat completion.

    def _add_arguments(self, place: object, text: str, out: Out) -> None:
        if text and place in self._calls:
            self._silent.discard(place)
            call = {"index": self._calls[place], "function": {"arguments": text}}
            out.append(delta_chunk(self.head, {"tool_calls": [call]}))

    def _add_thought(self, place: object, said: Mapping[str, Any], out: Out) -> None:
        thought = self._thoughts.setdefault(place, Thought())
        thought.signature += _text(said, "signature")
        thought.redacted += _text(said, "redactedContent")
        if text := _text(said, "text"):
            thought.text.append(text)
            out.append(delta_chunk(self.head, {"reasoning_content": text}))

    def on_block_end(self, event: dict[str, Any], out: Out) -> None:
        place = _index(event)
        if (thought := self._thoughts.pop(place, None)) is not None:
            block = {"type": "thinking", "thinking": "".join(thought.text), "signature": thought.signature}
            if thought.redacted:
                block = {"type": "redacted_thinking", "data": thought.redacted}
            out.append(delta_chunk(self.head, {"thinking_blocks": [block]}))
        if place in self._silent:  # a call without arguments: OpenAI's clients want an object all the same
            self._add_arguments(place, "{}", out)

    def on_stop(self, event: dict[str, Any], out: Out) -> None:
        reason = event.get("stopReason")
        if reason in MALFORMED:
            self._break(malformed(str(reason)), out)
        elif not self.finished:
            self.finished = True
            out.append(delta_chunk(self.head, {}, finish=finish_reason(reason, called=bool(self._calls))))

    def on_metadata(self, event: dict[str, Any], out: Out) -> None:
        self.usage = read_usage(event.get("usage"))
        if self.finished:
            self.tell_usage(out)
            self._over = True


EVENTS: Mapping[str, Callable[[Reader, dict[str, Any], Out], None]] = MappingProxyType(
    {
        "messageStart": Reader.on_start,
        "contentBlockStart": Reader.on_block,
        "contentBlockDelta": Reader.on_delta,
        "contentBlockStop": Reader.on_block_end,
        "messageStop": Reader.on_stop,
        "metadata": Reader.on_metadata,
    }
)


def _complaint(headers: Mapping[str, object], said: Any) -> Failure:
    fields = said if isinstance(said, dict) else {}
    named = headers.get(":exception-type") or headers.get(":error-code")
    message = _text(fields, "originalMessage") or _text(fields, "message") or headers.get(":error-message")
    return understood(str(named or ""), message if isinstance(message, str) else "")


def _index(event: Mapping[str, Any]) -> object:
    index = event.get("contentBlockIndex")
    return index if isinstance(index, int | str) else None


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
