"""Translate the events of a Messages stream, one by one, into OpenAI's chunks."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.dialects.anthropic.answer import finish_reason, refusal_of
from gateway.dialects.anthropic.errors import inside
from gateway.dialects.anthropic.usage import read_usage
from gateway.dialects.base import Seal
from gateway.dialects.chunks import delta_chunk, role_chunk
from gateway.dialects.translating import TranslatingReader
from gateway.domain.answer import Chunk
from gateway.domain.trail import Failure

Out = list[Chunk | Failure]


class Thought:
    """A thinking block as it grows, until its signature closes it."""

    __slots__ = ("signature", "text")

    def __init__(self, text: str, signature: str) -> None:
        self.text = [text]
        self.signature = signature


class Reader(TranslatingReader):
    """Knows which content block is which tool call, and adds the usage up."""

    __slots__ = ("_calls", "_inputs", "_tally", "_thoughts")

    def __init__(self, seal: Seal) -> None:
        super().__init__(seal)
        self._calls: dict[object, int] = {}
        self._inputs: dict[object, Any] = {}
        self._thoughts: dict[object, Thought] = {}
        self._tally: dict[str, Any] = {}

    def on_event(self, event: dict[str, Any], out: Out) -> None:
        kind = event.get("type")
        on = EVENTS.get(kind) if isinstance(kind, str) else None
        if on is not None:
            on(self, event, out)
        elif kind is None and "error" in event:
            self.on_error(event, out)
        # Any other event, `ping` among them, is of a kind that carries nothing for a chat completion.

    def on_start(self, event: dict[str, Any], out: Out) -> None:
        message = event.get("message")
        if isinstance(message, dict):
            self.name_model(message.get("model"))
            self._count(message.get("usage"))
        out.append(role_chunk(self.head))

    def on_block(self, event: dict[str, Any], out: Out) -> None:
        block = event.get("content_block")
        if not isinstance(block, dict):
            return
        place, kind = _index(event), block.get("type")
        if kind == "text" and _text(block, "text"):
            out.append(delta_chunk(self.head, {"content": block["text"]}))
        elif kind == "tool_use":
            self._begin_call(place, block, out)
        elif kind == "thinking":
            self._thoughts[place] = Thought(_text(block, "thinking"), _text(block, "signature"))
            if _text(block, "thinking"):
                out.append(delta_chunk(self.head, {"reasoning_content": block["thinking"]}))
        elif kind == "redacted_thinking":
            out.append(delta_chunk(self.head, {"thinking_blocks": [block]}))

    def _begin_call(self, place: object, block: dict[str, Any], out: Out) -> None:
        self._calls[place] = len(self._calls)
        self._inputs[place] = block.get("input")
        function = {"name": _text(block, "name"), "arguments": ""}
        call = {"index": self._calls[place], "id": _text(block, "id"), "type": "function", "function": function}
        out.append(delta_chunk(self.head, {"tool_calls": [call]}))

    def on_delta(self, event: dict[str, Any], out: Out) -> None:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return
        place, kind = _index(event), delta.get("type")
        if kind == "text_delta" and _text(delta, "text"):
            out.append(delta_chunk(self.head, {"content": delta["text"]}))
        elif kind == "input_json_delta" and _text(delta, "partial_json"):
            self._add_arguments(place, delta["partial_json"], out)
        elif kind == "thinking_delta" and _text(delta, "thinking"):
            self._thoughts.setdefault(place, Thought("", "")).text.append(delta["thinking"])
            out.append(delta_chunk(self.head, {"reasoning_content": delta["thinking"]}))
        elif kind == "signature_delta":
            self._thoughts.setdefault(place, Thought("", "")).signature += _text(delta, "signature")
        # Citations have no place in a chat completion.

    def _add_arguments(self, place: object, text: str, out: Out) -> None:
        if place in self._calls:
            self._inputs.pop(place, None)
            call = {"index": self._calls[place], "function": {"arguments": text}}
            out.append(delta_chunk(self.head, {"tool_calls": [call]}))

    def on_block_end(self, event: dict[str, Any], out: Out) -> None:
        place = _index(event)
        if (thought := self._thoughts.pop(place, None)) is not None:
            block = {"type": "thinking", "thinking": "".join(thought.text), "signature": thought.signature}
            out.append(delta_chunk(self.head, {"thinking_blocks": [block]}))
        if place in self._calls:
            given = self._inputs.pop(place, None)
            if given is not None:  # no deltas came: the input was whole from the start
                self._add_arguments(place, msgspec.json.encode(given).decode(), out)

    def on_message_delta(self, event: dict[str, Any], out: Out) -> None:
        self._count(event.get("usage"))
        delta = event.get("delta")
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        if reason is not None and not self.finished:
            self.finished = True
            if (refusal := refusal_of(delta)) is not None:
                out.append(delta_chunk(self.head, {"refusal": refusal}))
            finish = finish_reason(reason, called=bool(self._calls))
            out.append(delta_chunk(self.head, {}, finish=finish))

    def on_message_end(self, event: dict[str, Any], out: Out) -> None:  # noqa: ARG002
        if not self.finished:
            self.finished = True
            out.append(delta_chunk(self.head, {}, finish=finish_reason(None, called=bool(self._calls))))
        self.tell_usage(out)
        self._over = True

    def on_error(self, event: dict[str, Any], out: Out) -> None:
        out.append(inside(event))

    def _count(self, usage: object) -> None:
        """Later numbers replace earlier ones: they are running totals."""
        if isinstance(usage, dict):
            self._tally.update({name: value for name, value in usage.items() if value is not None})
            self.usage = read_usage(self._tally)


EVENTS: Mapping[str, Callable[[Reader, dict[str, Any], Out], None]] = MappingProxyType(
    {
        "message_start": Reader.on_start,
        "content_block_start": Reader.on_block,
        "content_block_delta": Reader.on_delta,
        "content_block_stop": Reader.on_block_end,
        "message_delta": Reader.on_message_delta,
        "message_stop": Reader.on_message_end,
        "error": Reader.on_error,
    }
)


def _index(event: Mapping[str, Any]) -> object:
    index = event.get("index")
    return index if isinstance(index, int | str) else None


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
