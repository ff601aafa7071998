"""Translate the events of a Cohere chat stream, one by one, into OpenAI's chunks."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.chunks import delta_chunk, role_chunk
from gateway.dialects.cohere.answer import broken_off, finish_reason, read_usage
from gateway.dialects.cohere.errors import understood
from gateway.dialects.translating import TranslatingReader
from gateway.domain.answer import Chunk
from gateway.domain.trail import Failure

Out = list[Chunk | Failure]
DONE = b"[DONE]"


class Reader(TranslatingReader):
    """Counts tool calls: Cohere numbers them, but not always from 0."""

    __slots__ = ("_calls", "_silent", "_thought")

    def __init__(self, seal: Seal) -> None:
        super().__init__(seal)
        self._calls: dict[object, int] = {}
        self._silent: set[object] = set()
        self._thought: list[str] = []

    def on_event(self, event: dict[str, Any], out: Out) -> None:
        kind = event.get("type")
        on = EVENTS.get(kind) if isinstance(kind, str) else None
        if on is not None:
            on(self, event, out)
        elif kind is None and isinstance(event.get("message"), str):
            self._break(understood(500, (), event["message"]), out)
        # Citations, `debug` and events of kinds yet unknown carry nothing for a chat completion.

    def _take(self, data: bytes, out: Out) -> None:
        if data != DONE:
            super()._take(data, out)

    def on_start(self, event: dict[str, Any], out: Out) -> None:  # noqa: ARG002
        out.append(role_chunk(self.head))

    def on_content(self, event: dict[str, Any], out: Out) -> None:
        content = _inside(event, "content")
        if thought := _text(content, "thinking"):
            self._thought.append(thought)
            out.append(delta_chunk(self.head, {"reasoning_content": thought}))
        if text := _text(content, "text"):
            self._close_thought(out)
            out.append(delta_chunk(self.head, {"content": text}))

    def on_content_end(self, event: dict[str, Any], out: Out) -> None:  # noqa: ARG002
        self._close_thought(out)

    def _close_thought(self, out: Out) -> None:
        if self._thought:
            block = {"type": "thinking", "thinking": "".join(self._thought)}
            self._thought.clear()
            out.append(delta_chunk(self.head, {"thinking_blocks": [block]}))

    def on_plan(self, event: dict[str, Any], out: Out) -> None:
        delta = event.get("delta")
        message = delta.get("message") if isinstance(delta, dict) else None
        if isinstance(message, dict) and (plan := _text(message, "tool_plan")):
            out.append(delta_chunk(self.head, {"content": plan}))

    def on_call(self, event: dict[str, Any], out: Out) -> None:
        call = _inside(event, "tool_calls")
        function = call.get("function")
        known: Mapping[str, Any] = function if isinstance(function, dict) else {}
        place = _index(event)
        self._calls[place] = len(self._calls)
        told = {"name": _text(known, "name"), "arguments": _text(known, "arguments")}
        if not told["arguments"]:
            self._silent.add(place)
        begun = {"index": self._calls[place], "id": _text(call, "id"), "type": "function", "function": told}
        out.append(delta_chunk(self.head, {"tool_calls": [begun]}))

    def on_arguments(self, event: dict[str, Any], out: Out) -> None:
        function = _inside(event, "tool_calls").get("function")
        if isinstance(function, dict):
            self._add_arguments(_index(event), _text(function, "arguments"), out)

    def _add_arguments(self, place: object, text: str, out: Out) -> None:
        if text and place in self._calls:
            self._silent.discard(place)
            call = {"index": self._calls[place], "function": {"arguments": text}}
            out.append(delta_chunk(self.head, {"tool_calls": [call]}))

    def on_call_end(self, event: dict[str, Any], out: Out) -> None:
        if _index(event) in self._silent:  # a call without arguments: OpenAI's clients want an object all the same
            self._add_arguments(_index(event), "{}", out)

    def on_end(self, event: dict[str, Any], out: Out) -> None:
        delta = event.get("delta")
        told: Mapping[str, Any] = delta if isinstance(delta, dict) else {}
        self.usage = read_usage(told.get("usage"))
        reason = told.get("finish_reason")
        if (failure := broken_off(reason, told.get("error"))) is not None:
            self._break(failure, out)
            return
        self._close_thought(out)
        self.finished = True
        out.append(delta_chunk(self.head, {}, finish=finish_reason(reason, called=bool(self._calls))))
        self.tell_usage(out)
        self._over = True


EVENTS: Mapping[str, Callable[[Reader, dict[str, Any], Out], None]] = MappingProxyType(
    {
        "message-start": Reader.on_start,
        "content-start": Reader.on_content,
        "content-delta": Reader.on_content,
        "content-end": Reader.on_content_end,
        "tool-plan-delta": Reader.on_plan,
        "tool-call-start": Reader.on_call,
        "tool-call-delta": Reader.on_arguments,
        "tool-call-end": Reader.on_call_end,
        "message-end": Reader.on_end,
    }
)


def _inside(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """`delta.message.<name>`, an object or the only object of a list."""
    at: Any = event
    for step in ("delta", "message", name):
        at = at.get(step) if isinstance(at, dict) else None
    if isinstance(at, list):
        at = at[0] if at else None
    return at if isinstance(at, dict) else {}


def _index(event: Mapping[str, Any]) -> object:
    index = event.get("index")
    return index if isinstance(index, int | str) else None


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
