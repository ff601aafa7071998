"""What every fake vendor can do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tests.wire import Scripted, Seen, Wire

Trouble = Literal["rate", "money", "overloaded", "down", "auth", "model", "overflow", "filtered", "caller"]
KEY = "vk-CANARY-vendor-key"


class Call(NamedTuple):
    """A tool call as a model makes it."""

    id: str
    name: str
    arguments: dict[str, Any]


class Vendor:
    """One vendor. Streams are said in pieces, so that a test may leave the path anywhere."""

    dialect: str
    chats: bool = True
    embeds: bool = True
    schemas: bool = True
    """Knows structured output."""
    names_calls: bool = True
    """Gives tool calls ids of its own."""
    model: str = "upstream-model"
    """As the vendor calls its chat model."""
    vector_model: str = "upstream-vectors"
    env: Mapping[str, str] = {"VENDOR_KEY": KEY}

    def __init__(self, name: str) -> None:
        self.name = name
        self.dialect = name

    def provider(self, url: str) -> str:
        """The provider in a file, as a YAML mapping in one line."""
        return f'{{dialect: {self.dialect}, base_url: "{url}", api_key: "${{env:VENDOR_KEY}}", allow_private: true}}'

    def prepare(self, wire: Wire) -> None:
        """What must be there before the first request: a token endpoint, for some."""

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        """The address, the credentials and the headers that this vendor insists on."""
        raise NotImplementedError

    def results(self, seen: Seen) -> list[tuple[str, str]]:
        """The tool results that it was told: the call's id (or name), and the text."""
        raise NotImplementedError

    # whole replies

    def says(self, text: str) -> Scripted:
        raise NotImplementedError

    def calls(self, *calls: Call) -> Scripted:
        raise NotImplementedError

    def vectors(self, *vectors: Sequence[float]) -> Scripted:
        raise NotImplementedError

    def refuses(self, trouble: Trouble, wait_s: int | None = None) -> Scripted:
        """An error status; `wait_s` is said in the way of this vendor."""
        raise NotImplementedError

    def error_in_200(self, trouble: Trouble) -> Scripted | None:
        """The same inside of a 200, for vendors that do that."""
        return None

    # streams, in pieces

    def head(self) -> list[bytes]:
        """What comes before the first content."""
        return []

    def words(self, *words: str) -> list[bytes]:
        raise NotImplementedError

    def called(self, *calls: Call) -> list[bytes]:
        raise NotImplementedError

    def tail(self, *, calls: bool = False) -> list[bytes]:
        """The end of the answer, with its usage of 10 and 5 tokens."""
        raise NotImplementedError

    def broken(self, trouble: Trouble) -> bytes:
        """An error in the middle of a stream."""
        raise NotImplementedError

    def rubbish(self) -> bytes:
        """A piece that nobody can read."""
        return b"data: {not json\n\n"

    def streamed(self, *pieces: bytes, **more: Any) -> Scripted:
        headers = {"Content-Type": "text/event-stream"}
        return Scripted(parts=pieces, **({"framing": "chunked", "headers": headers} | more))

    def says_streamed(self, *words: str, **more: Any) -> Scripted:
        return self.streamed(*self.head(), *self.words(*words), *self.tail(), **more)

    def calls_streamed(self, *calls: Call) -> Scripted:
        return self.streamed(*self.head(), *self.called(*calls), *self.tail(calls=True))


def event(value: Any, name: str | None = None) -> bytes:
    data = json.dumps(value, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]
