"""A stream of chunks becomes the events of a Responses stream, numbered from zero."""

from collections.abc import Mapping
from typing import Any

from gateway.dialects.anthropic.turns import is_thought
from gateway.dialects.inbound.frames import calls_of, event, first_choice, text_of
from gateway.dialects.inbound.responses.answer import ending, response_shell, ulid_of, usage_object
from gateway.dialects.inbound.responses.open_items import OpenCall, OpenItem, OpenReasoning, OpenText
from gateway.domain.answer import Chunk, Usage
from gateway.errors import RequestError

ERROR_CODES = {"rate_limited": "rate_limit_exceeded", "bad_request": "invalid_prompt"}


class ResponsesWriter:
    """Text and reasoning end when something else begins; calls may grow side by side and end with the stream."""

    __slots__ = ("_calls", "_current", "_finish", "_items", "_number", "_request", "_shell", "_ulid", "_usage")

    def __init__(self, request: Mapping[str, Any]) -> None:
        """`request` is the caller's own body: the Response repeats parts of it."""
        self._request = request
        self._shell: dict[str, Any] = {}
        self._items: list[OpenItem] = []
        self._calls: dict[int, OpenCall] = {}
        self._current: OpenItem | None = None
        self._finish: object = None
        self._number = 0
        self._ulid = ""
        self._usage: Usage | None = None

    def feed(self, chunk: Chunk) -> list[bytes]:
        """The frames that one chunk becomes; often none."""
        fields, delta, finish = first_choice(chunk.data)
        out: list[bytes] = []
        if not self._shell:
            self._start(fields, out)
        if chunk.usage is not None:
            self._usage = chunk.usage
        self._on_reasoning(delta, out)
        for name in ("content", "refusal"):
            if text := text_of(delta, name):
                self._tell(self._text_item(out).add(name, text), out)
        for index, identity, name, arguments in calls_of(delta):
            self._on_call(index, identity, name, out)
            if arguments:
                self._tell(self._calls[index].add(arguments), out)
        self._finish = finish or self._finish
        return out

    def done(self, usage: Usage | None = None) -> list[bytes]:
        """The stream ended well; `usage` stands in where the provider sent none."""
        out: list[bytes] = []
        if not self._shell:
            self._start({}, out)
        if not self._items:
            self._tell(self._text_item(out).add("content", ""), out)
        self._leave(out)
        for call in self._calls.values():
            self._tell(call.close(), out)
        whole = self._whole(ending(self._finish)) | {"usage": usage_object(self._usage or usage)}
        self._tell([{"type": f"response.{whole['status']}", "response": whole}], out)
        return out

    def broken(self, error: RequestError) -> list[bytes]:
        """The stream broke after its head was sent: the error, and the Response as far as it came."""
        out: list[bytes] = []
        if not self._shell:
            self._start({}, out)
        code = ERROR_CODES.get(error.kind, "server_error")
        self._tell([{"type": "error", "code": error.code, "message": error.message, "param": error.param}], out)
        failed = {"status": "failed", "error": {"code": code, "message": error.message}}
        self._tell([{"type": "response.failed", "response": self._whole(failed)}], out)
        return out

    def _start(self, fields: Mapping[str, Any], out: list[bytes]) -> None:
        self._shell = response_shell(self._request, fields)
        self._ulid = ulid_of(fields)
        self._tell([{"type": f"response.{what}", "response": self._shell} for what in ("created", "in_progress")], out)

    def _whole(self, how: dict[str, Any]) -> dict[str, Any]:
        return self._shell | how | {"output": [item.whole() for item in self._items]}

    def _on_reasoning(self, delta: Mapping[str, Any], out: list[bytes]) -> None:
        text, blocks = text_of(delta, "reasoning_content"), delta.get("thinking_blocks")
        thoughts = [block for block in blocks if is_thought(block)] if isinstance(blocks, list) else []
        if not text and not thoughts:
            return
        if not isinstance(self._current, OpenReasoning):
            self._enter(OpenReasoning(f"rs_{self._ulid}_{len(self._items)}", len(self._items)), out)
        if isinstance(self._current, OpenReasoning):
            self._tell(self._current.add(text, thoughts), out)

    def _text_item(self, out: list[bytes]) -> OpenText:
        if isinstance(self._current, OpenText):
            return self._current
        item = OpenText(f"msg_{self._ulid}_{len(self._items)}", len(self._items))
        self._enter(item, out)
        return item

    def _on_call(self, index: int, identity: str, name: str, out: list[bytes]) -> None:
        if index not in self._calls:
            place = len(self._items)
            call = OpenCall(f"fc_{self._ulid}_{place}", place, identity, name)
            self._enter(call, out)
            self._calls[index] = call

    def _enter(self, item: OpenItem, out: list[bytes]) -> None:
        self._leave(out)
        self._items.append(item)
        self._current = item
        self._tell(item.open(), out)

    def _leave(self, out: list[bytes]) -> None:
        if self._current is not None and not isinstance(self._current, OpenCall):
            self._tell(self._current.close(), out)
        self._current = None

    def _tell(self, events: list[dict[str, Any]], out: list[bytes]) -> None:
        for fields in events:
            out.append(event(fields | {"sequence_number": self._number}))
            self._number += 1
