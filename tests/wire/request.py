"""Whole requests out of bytes, as they came: nothing is repaired, names keep their case."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass
class Seen:
    """One request that reached the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)
    head: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The value of this header, whatever the case of its name; None where absent."""
        return next((value for other, value in self.headers if other.lower() == name.lower()), None)

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None where it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def model(self) -> str | None:
        model = self.json.get("model") if isinstance(self.json, dict) else None
        return model if isinstance(model, str) else None


class RequestReader:
    """Feed bytes, get the requests that are whole now."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes, connection: int) -> Iterator[Seen]:
        self._buffer += data
        while (seen := self._next(connection)) is not None:
            yield seen

    def _next(self, connection: int) -> Seen | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._buffer[: end + 4])
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        lower = {name.lower(): value for name, value in headers}
        if "chunked" in lower.get("transfer-encoding", "").lower():
            taken = _chunked(self._buffer, end + 4)
        else:
            size = int(lower.get("content-length", "0"))
            after = end + 4 + size
            taken = (bytes(self._buffer[end + 4 : after]), after) if len(self._buffer) >= after else None
        if taken is None:
            return None
        body, after = taken
        del self._buffer[:after]
        method, target, *_ = [*first.split(" "), "", ""]
        return Seen(method, target, headers, body, connection, head=head)


def _chunked(buffer: bytearray, at: int) -> tuple[bytes, int] | None:
    body = b""
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(bytes(buffer[at:line]).split(b";")[0], 16)
        if len(buffer) < line + 4 + size:
            return None
        if size == 0:
            end = buffer.find(b"\r\n\r\n", line)
            return (body, end + 4) if end >= 0 else None
        body += bytes(buffer[line + 2 : line + 2 + size])
        at = line + 4 + size
