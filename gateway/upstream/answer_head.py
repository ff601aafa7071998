"""The head of an answer: what it says about the body is read at once, its headers when somebody asks for them."""

from collections.abc import Iterator

from msgspec import Struct

WITHOUT_BODY = frozenset({204, 304})
LAYOUTS_KEPT = 1024
LONGEST_KEPT = 4096


class Headers(Struct, frozen=True):
    """Pairs of text, names in lower case. Of most answers nobody wants them."""

    raw: list[bytes]
    """Names and values, in turn."""

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, value in zip(self.raw[::2], self.raw[1::2], strict=True):
            yield name.decode("latin-1").lower(), _text(value)


class Head(Struct, frozen=True):
    status: int
    headers: Headers
    encoding: str
    """Content coding, lower case; empty for none."""
    content_type: bytes
    until_close: bool
    """The body has no length: it ends with the connection."""
    keep_alive_s: float | None
    """How long the server said it keeps an idle connection."""


class Layout(Struct, frozen=True):
    """Where in a head it stands what is said about the body; 0 for nowhere."""

    length: int
    coding: int
    encoding: int
    content_type: int
    keep_alive: int


_layouts: dict[bytes, Layout] = {}
"""A server says the same headers in the same order again and again."""


def read_head(status: int, raw: list[bytes]) -> Head | None:
    """`raw` has names and values, in turn. None where it cannot be used."""
    names = b":".join(raw[::2])
    layout = _layouts.get(names) or _lay_out(names)
    coding = layout.coding
    if not 100 <= status <= 599 or status == 101 or (coding and _text(raw[coding]).lower() != "chunked"):
        return None
    return Head(
        status,
        Headers(raw),
        _text(raw[layout.encoding]).lower().replace("identity", "") if layout.encoding else "",
        raw[layout.content_type] if layout.content_type else b"",
        not (layout.length or coding or status in WITHOUT_BODY),
        _keep_alive_s(_text(raw[layout.keep_alive])) if layout.keep_alive else None,
    )


def _lay_out(names: bytes) -> Layout:
    """The last of several headers of one name counts."""
    at = {name: 2 * place + 1 for place, name in enumerate(names.lower().split(b":"))}
    layout = Layout(
        length=at.get(b"content-length", 0),
        coding=at.get(b"transfer-encoding", 0),
        encoding=at.get(b"content-encoding", 0),
        content_type=at.get(b"content-type", 0),
        keep_alive=at.get(b"keep-alive", 0),
    )
    if len(names) <= LONGEST_KEPT:
        if len(_layouts) >= LAYOUTS_KEPT:
            _layouts.clear()
        _layouts[names] = layout
    return layout


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip(" \t")


def _keep_alive_s(value: str) -> float | None:
    for part in value.lower().split(","):
        name, _, number = part.strip().partition("=")
        if name.strip() == "timeout" and number.strip().isdecimal():
            return float(number.strip()[:9])
    return None
