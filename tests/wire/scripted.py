"""One scripted answer: what is said, how it is framed and cut, and how the connection ends."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tests.wire.server import Gate

Framing = Literal["length", "chunked", "close", "none"]
End = Literal["keep", "close", "reset", "half_close", "silent"]
Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """Say only what matters: a plain `Scripted()` is an empty 200 with keep-alive."""

    status: int = 200
    reason: str | None = None
    headers: Headers = ()
    body: bytes | str | dict[str, Any] | list[Any] = b""
    """dict and list are sent as JSON."""
    parts: tuple[bytes, ...] | None = None
    """The body in pieces: one write (and one HTTP chunk) each. Instead of `body`."""
    split: int | None = None
    """Cut the body into writes of so many bytes, whatever the pieces were."""
    framing: Framing = "length"
    trailers: Headers = ()
    raw: bytes | None = None
    """Exactly these bytes in place of head and body; `split`, `delay_*`, `cut_after` and `end` still hold."""
    informational: tuple[bytes, ...] = ()
    """Whole 1xx heads that go first."""
    delay_head_s: float = 0.0
    delay_body_s: float = 0.0
    pace_s: float = 0.0
    """Pause between two pieces."""
    stall_after: int | None = None
    """After so many pieces nothing more is said and the connection stays open."""
    cut_after: int | None = None
    """After so many bytes of the body (as framed), do `end` at once."""
    end: End = "keep"
    gate: "Gate | None" = None
    """Wait until the test opens it before the head is sent."""
    body_gate: "Gate | None" = None
    """Wait until the test opens it after the head and the first piece."""

    def but(self, **changes: Any) -> "Scripted":
        """The same answer with something else about it."""
        return replace(self, **changes)

    def head(self) -> bytes:
        if self.raw is not None:
            return b""
        reason = self.reason if self.reason is not None else _phrase(self.status)
        lines = [f"HTTP/1.1 {self.status} {reason}".rstrip() if reason else f"HTTP/1.1 {self.status}"]
        given = list(pairs(self.headers))
        if isinstance(self.body, dict | list) and not _names(given, "content-type"):
            given.append(("Content-Type", "application/json"))
        if self.framing == "length" and not _names(given, "content-length"):
            given.append(("Content-Length", str(sum(map(len, self.pieces())))))
        if self.framing == "chunked" and not _names(given, "transfer-encoding"):
            given.append(("Transfer-Encoding", "chunked"))
        lines += [f"{name}: {value}" for name, value in given]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def pieces(self) -> tuple[bytes, ...]:
        """The body before framing."""
        if self.raw is not None:
            return (self.raw,)
        if self.parts is not None:
            whole = self.parts
        elif isinstance(self.body, bytes):
            whole = (self.body,) if self.body else ()
        elif isinstance(self.body, str):
            whole = (self.body.encode(),)
        else:
            whole = (json.dumps(self.body).encode(),)
        return whole

    def writes(self) -> tuple[bytes, ...]:
        """The body as it goes over the wire, one element a write."""
        out = list(self.pieces())
        if self.split is not None:
            joined = b"".join(out)
            out = [joined[at : at + self.split] for at in range(0, len(joined), self.split)]
        if self.framing == "chunked" and self.raw is None:
            out = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in out if piece]
            trailers = "".join(f"{name}: {value}\r\n" for name, value in pairs(self.trailers))
            out.append(b"0\r\n" + trailers.encode("latin-1") + b"\r\n")
        return tuple(out)

    @property
    def closes(self) -> End:
        """How the connection ends after this answer."""
        return "close" if self.end == "keep" and self.framing == "close" else self.end


RESET = Scripted(raw=b"", end="reset")
"""The request is read, then the connection is reset."""
HOLE = Scripted(raw=b"", end="silent")
"""The request is read, and nothing ever comes back."""


def json_reply(value: Any, status: int = 200, **more: Any) -> Scripted:
    given = dict(pairs(more.pop("headers", ())))
    return Scripted(
        status=status,
        headers={"Content-Type": "application/json", **given},
        body=json.dumps(value, ensure_ascii=False).encode(),
        **more,
    )


def events(items: Iterable[Any], *, eol: str = "\n", done: bool = True, headers: Headers = (), **more: Any) -> Scripted:
    """An event stream: bytes go out as they are, text is a data line, `(name, value)` names the event, else JSON."""
    parts = [_event(item, eol) for item in items]
    if done:
        parts.append(f"data: [DONE]{eol}{eol}".encode())
    more = {"framing": "chunked"} | more
    return Scripted(headers={"Content-Type": "text/event-stream", **dict(pairs(headers))}, parts=tuple(parts), **more)


def _event(item: Any, eol: str) -> bytes:
    match item:
        case bytes():
            return item
        case str():
            return f"data: {item}{eol}{eol}".encode()
        case (str() as name, value):
            return f"event: {name}{eol}data: {json.dumps(value, ensure_ascii=False)}{eol}{eol}".encode()
        case _:
            return f"data: {json.dumps(item, ensure_ascii=False)}{eol}{eol}".encode()


def pairs(headers: Headers) -> list[tuple[str, str]]:
    return list(headers.items()) if isinstance(headers, Mapping) else list(headers)


def _names(headers: list[tuple[str, str]], name: str) -> bool:
    return any(other.lower() == name for other, _ in headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Odd"
