"""The head of an answer: what it says about the body is read at once, its headers when somebody asks for them.

The parser has been over every byte of it before: its lines end with CRLF, and each header is a name, a colon, a value.
"""

from collections.abc import Iterator

from msgspec import Struct

ANY_CODING = b"-encoding:"
TRANSFER_CODING = b"\r\ntransfer-encoding:"
CONTENT_CODING = b"\r\ncontent-encoding:"
CONTENT_TYPE = b"\r\ncontent-type:"
CONTENT_LENGTH = b"\r\ncontent-length:"
KEEP_ALIVE = b"\r\nkeep-alive:"
WITHOUT_BODY = frozenset({204, 304})


class Head(Struct, frozen=True):
    """Gone through, it tells its headers: pairs of text, names in lower case. Of most answers nobody wants them."""

    status: int
    raw: bytes
    """The whole head, without the empty line at its end."""
    encoding: str = ""
    """Content coding, lower case; empty for none."""
    keep_alive_s: float | None = None
    """How long the server said it keeps an idle connection."""

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for line in self.raw.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            yield name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")

    @property
    def content_type(self) -> str:
        """Lower case; empty where it is not said."""
        return _said(self.raw.lower(), CONTENT_TYPE)

    @property
    def until_close(self) -> bool:
        """The body has no length: it ends with the connection."""
        lower = self.raw.lower()
        return TRANSFER_CODING not in lower and CONTENT_LENGTH not in lower and self.status not in WITHOUT_BODY


def read_head(status: int, raw: bytes) -> Head | None:
    """None where it cannot be used."""
    lower = raw.lower()
    encoding, keep_alive_s = "", None
    if lower.find(ANY_CODING) >= 0:  # `in` takes longer for bytes
        encoding = _said(lower, CONTENT_CODING).replace("identity", "")
        if TRANSFER_CODING in lower and _said(lower, TRANSFER_CODING) != "chunked":
            return None
    if lower.find(KEEP_ALIVE) >= 0:
        keep_alive_s = _keep_alive_s(_said(lower, KEEP_ALIVE))
    return Head(status, raw, encoding, keep_alive_s)


def _said(lower: bytes, name: bytes) -> str:
    """The value of a header, the last of several; empty where there is none."""
    _, found, rest = lower.rpartition(name)
    return rest.partition(b"\r\n")[0].strip(b" \t").decode("latin-1") if found else ""


def _keep_alive_s(value: str) -> float | None:
    for part in value.split(","):
        name, _, number = part.strip().partition("=")
        if name.strip() == "timeout" and number.strip().isdecimal():
            return float(number.strip()[:9])
    return None
