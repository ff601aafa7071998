"""A stream of chunks becomes the events of a Messages stream."""

from typing import Any, Literal

from gateway.dialects.anthropic.turns import is_thought
from gateway.dialects.inbound.frames import calls_of, event, first_choice, text_of
from gateway.dialects.inbound.messages.answer import error_body, message_id, stop_reason, usage_object
from gateway.domain.answer import Chunk, Usage
from gateway.errors import RequestError

Kind = Literal["text", "thinking", "call"]
PING = b'event: ping\ndata: {"type":"ping"}\n\n'


class MessagesWriter:
    """One block is open at a time; the stop reason waits for the usage that belongs beside it."""

    __slots__ = ("_calls", "_input_tokens", "_next", "_open", "_place", "_started", "_stop", "_usage")

    def __init__(self, input_tokens: int = 0) -> None:
        """`input_tokens` is the estimate that `message_start` tells; the true number comes at the end."""
        self._input_tokens = input_tokens
        self._started = False
        self._open: Kind | None = None
        self._place = 0
        """Of the block that is open."""
        self._next = 0
        self._calls: dict[int, int] = {}
        self._stop: str | None = None
        self._usage: Usage | None = None

    def feed(self, chunk: Chunk) -> list[bytes]:
        """The frames that one chunk becomes; often none."""
        fields, delta, finish = first_choice(chunk.data)
        out: list[bytes] = []
        if not self._started:
            self._start(fields, out)
        if chunk.usage is not None:
            self._usage = chunk.usage
        self._on_thoughts(delta, out)
        for name in ("content", "refusal"):
            if text := text_of(delta, name):
                self._enter("text", {"type": "text", "text": ""}, out)
                self._delta({"type": "text_delta", "text": text}, out)
        for call in calls_of(delta):
            self._on_call(*call, out)
        if finish is not None:
            self._stop = stop_reason(finish)
        return out

    def done(self, usage: Usage | None = None) -> list[bytes]:
        """The stream ended well; `usage` stands in where the provider sent none."""
        out: list[bytes] = []
        if not self._started:
            self._start({}, out)
        self._leave(out)
        delta = {"stop_reason": self._stop or "end_turn", "stop_sequence": None}
        counted = usage_object(self._usage or usage)
        out.append(event({"type": "message_delta", "delta": delta, "usage": counted}))
        out.append(event({"type": "message_stop"}))
        return out

    @staticmethod
    def broken(error: RequestError, request_id: str) -> bytes:
        """The stream broke after its head was sent: nothing follows."""
        return event(error_body(error, request_id))

    def _start(self, fields: dict[str, Any], out: list[bytes]) -> None:
        self._started = True
        usage = usage_object(Usage(input_tokens=self._input_tokens))
        message: dict[str, Any] = {
            "id": message_id(fields.get("id")),
            "type": "message",
            "role": "assistant",
            "model": text_of(fields, "model"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        out += [event({"type": "message_start", "message": message}), PING]

    def _on_thoughts(self, delta: dict[str, Any], out: list[bytes]) -> None:
        if text := text_of(delta, "reasoning_content"):
            self._think(out)
            self._delta({"type": "thinking_delta", "thinking": text}, out)
        blocks = delta.get("thinking_blocks")
        for block in blocks if isinstance(blocks, list) else ():
            if is_thought(block):
                self._on_thought(block, out)

    def _on_thought(self, block: dict[str, Any], out: list[bytes]) -> None:
        """A whole thought: its text has been told already where it came in pieces."""
        if block["type"] == "redacted_thinking":
            self._begin(block, out)
        elif self._open != "thinking":
            self._think(out)
            if text := text_of(block, "thinking"):
                self._delta({"type": "thinking_delta", "thinking": text}, out)
        if signature := text_of(block, "signature"):
            self._delta({"type": "signature_delta", "signature": signature}, out)
        self._open = self._open or "thinking"
        self._leave(out)

    def _think(self, out: list[bytes]) -> None:
        self._enter("thinking", {"type": "thinking", "thinking": "", "signature": ""}, out)

    def _on_call(self, index: int, identity: str, name: str, arguments: str, out: list[bytes]) -> None:
        if index not in self._calls:
            self._begin({"type": "tool_use", "id": identity, "name": name, "input": {}}, out)
            self._open = "call"
            self._calls[index] = self._place
        if arguments:  # of a call that is no longer open only where a provider mixes its calls: readers go by index
            delta = {"type": "input_json_delta", "partial_json": arguments}
            out.append(event({"type": "content_block_delta", "index": self._calls[index], "delta": delta}))

    def _enter(self, kind: Kind, block: dict[str, Any], out: list[bytes]) -> None:
        if self._open != kind:
            self._begin(block, out)
            self._open = kind

    def _begin(self, block: dict[str, Any], out: list[bytes]) -> None:
        self._leave(out)
        self._place = self._next
        self._next += 1
        out.append(event({"type": "content_block_start", "index": self._place, "content_block": block}))

    def _delta(self, delta: dict[str, Any], out: list[bytes]) -> None:
        out.append(event({"type": "content_block_delta", "index": self._place, "delta": delta}))

    def _leave(self, out: list[bytes]) -> None:
        if self._open is not None:
            out.append(event({"type": "content_block_stop", "index": self._place}))
            self._open = None
