"""Items of a Response while they grow: each knows the events that open it, add to it and close it."""

from typing import Any

from gateway.dialects.inbound.responses.answer import call_item, message_item, reasoning_item, text_part

Events = list[dict[str, Any]]


class OpenItem:
    """One item of the output."""

    __slots__ = ("at", "identity")

    def __init__(self, identity: str, at: int) -> None:
        self.identity = identity
        self.at = at

    def whole(self) -> dict[str, Any]:
        """As it is now, said to be complete."""
        raise NotImplementedError

    def opened(self) -> dict[str, Any]:
        """As it was when nothing had been said."""
        raise NotImplementedError

    def open(self) -> Events:
        return [{"type": "response.output_item.added", "output_index": self.at, "item": self.opened()}]

    def close(self) -> Events:
        return [*self.last(), {"type": "response.output_item.done", "output_index": self.at, "item": self.whole()}]

    def last(self) -> Events:
        """What is told of the inside before the item is done."""
        return []

    def inside(self, kind: str, **more: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", "item_id": self.identity, "output_index": self.at, **more}


class OpenText(OpenItem):
    """A message; a refusal is a part of its own."""

    __slots__ = ("_parts",)

    def __init__(self, identity: str, at: int) -> None:
        super().__init__(identity, at)
        self._parts: list[tuple[str, list[str]]] = []

    def add(self, name: str, text: str) -> Events:
        events: Events = []
        if not self._parts or self._parts[-1][0] != name:
            events += self._end_part()
            self._parts.append((name, []))
            part = _part(name, "")
            events.append(self.inside("content_part.added", content_index=len(self._parts) - 1, part=part))
        if text:
            self._parts[-1][1].append(text)
            more: dict[str, Any] = {"logprobs": []} if name == "content" else {}
            index = len(self._parts) - 1
            events.append(self.inside(f"{KINDS[name]}.delta", content_index=index, delta=text, **more))
        return events

    def _end_part(self) -> Events:
        if not self._parts:
            return []
        index = len(self._parts) - 1
        name, pieces = self._parts[-1]
        text = "".join(pieces)
        more: dict[str, Any] = {"text": text, "logprobs": []} if name == "content" else {"refusal": text}
        return [
            self.inside(f"{KINDS[name]}.done", content_index=index, **more),
            self.inside("content_part.done", content_index=index, part=_part(name, text)),
        ]

    def last(self) -> Events:
        return self._end_part()

    def whole(self) -> dict[str, Any]:
        return message_item(self.identity, [_part(name, "".join(pieces)) for name, pieces in self._parts])

    def opened(self) -> dict[str, Any]:
        return message_item(self.identity, [], "in_progress")


KINDS = {"content": "output_text", "refusal": "refusal"}


def _part(name: str, text: str) -> dict[str, Any]:
    return text_part(text) if name == "content" else {"type": "refusal", "refusal": text}


class OpenReasoning(OpenItem):
    """Reasoning: what may be seen of it as a summary, what is signed put away."""

    __slots__ = ("_pieces", "_thoughts")

    def __init__(self, identity: str, at: int) -> None:
        super().__init__(identity, at)
        self._pieces: list[str] = []
        self._thoughts: list[dict[str, Any]] = []

    def add(self, text: str, thoughts: list[dict[str, Any]]) -> Events:
        self._thoughts += thoughts
        events: Events = []
        if text and not self._pieces:
            part = {"type": "summary_text", "text": ""}
            events.append(self.inside("reasoning_summary_part.added", summary_index=0, part=part))
        if text:
            self._pieces.append(text)
            events.append(self.inside("reasoning_summary_text.delta", summary_index=0, delta=text))
        return events

    def last(self) -> Events:
        if not self._pieces:
            return []
        text = "".join(self._pieces)
        part = {"type": "summary_text", "text": text}
        return [
            self.inside("reasoning_summary_text.done", summary_index=0, text=text),
            self.inside("reasoning_summary_part.done", summary_index=0, part=part),
        ]

    def whole(self) -> dict[str, Any]:
        return reasoning_item(self.identity, "".join(self._pieces), self._thoughts)

    def opened(self) -> dict[str, Any]:
        return reasoning_item(self.identity, "", [])


class OpenCall(OpenItem):
    """A call whose arguments come in pieces."""

    __slots__ = ("_call_id", "_name", "_pieces")

    def __init__(self, identity: str, at: int, call_id: str, name: str) -> None:
        super().__init__(identity, at)
        self._call_id = call_id
        self._name = name
        self._pieces: list[str] = []

    def add(self, arguments: str) -> Events:
        self._pieces.append(arguments)
        return [self.inside("function_call_arguments.delta", delta=arguments)]

    def last(self) -> Events:
        arguments = "".join(self._pieces)
        return [self.inside("function_call_arguments.done", name=self._name, arguments=arguments)]

    def whole(self) -> dict[str, Any]:
        return call_item(self.identity, self._call_id, self._name, "".join(self._pieces))

    def opened(self) -> dict[str, Any]:
        return call_item(self.identity, self._call_id, self._name, "", "in_progress")
