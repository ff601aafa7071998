"""aiohttp hears the same: every scripted answer gives both clients the same status, headers and bytes, or neither."""

import asyncio
import zlib
from typing import NamedTuple

import aiohttp
import pytest

from gateway.domain.call import Reply
from tests.upstream.lab import HEADERS, Lab, run
from tests.upstream.test_replies import ODD_BUT_FINE, REFUSED
from tests.wire import SCENARIOS, Scripted, Wire, openai_chat

GZIP = zlib.compressobj(9, zlib.DEFLATED, 31)
SQUEEZED = GZIP.compress(b"hello " * 1000) + GZIP.flush()
OK = b"HTTP/1.1 200 OK\r\n"

MORE = {
    "many headers": openai_chat(headers=[(f"X-{n}", str(n)) for n in range(60)]),
    "the same header twice": Scripted(headers=[("X-A", "1"), ("x-a", "2"), ("Set-Cookie", "a")], body=b"x"),
    "an empty header": Scripted(headers={"X-Empty": ""}, body=b"x"),
    "latin letters in a header": Scripted(headers={"X-A": "caf\xe9"}, body=b"x"),
    "spaces around a value": Scripted(raw=OK + b"X-A:   b  \r\nX-B:c\r\nContent-Length: 1\r\n\r\nx"),
    "a body of every byte": Scripted(body=bytes(range(256)) * 10, split=37),
    "chunks of every size": Scripted(framing="chunked", parts=tuple(b"x" * size for size in range(1, 300, 7))),
    "upper-case chunk sizes": Scripted(raw=OK + b"transfer-encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n"),
    "a zero body": Scripted(raw=OK + b"Content-Length: 0\r\n\r\n"),
    "leading zeros in the length": Scripted(raw=OK + b"Content-Length: 002\r\n\r\nhi"),
    "gzip in chunks": Scripted(headers={"Content-Encoding": "gzip"}, framing="chunked", body=SQUEEZED, split=3),
    "GZIP in capitals": Scripted(headers={"Content-Encoding": "GZIP"}, body=SQUEEZED),
    "a close in capitals": Scripted(raw=OK + b"CONNECTION: CLOSE\r\nContent-Length: 2\r\n\r\nhi", end="close"),
    "HTTP/1.0 that stays": Scripted(raw=b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"),
    "a status without a phrase": Scripted(raw=b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi"),
    "a long phrase": Scripted(reason="a very long phrase " * 20, body=b"hi"),
    "a head in two parts": Scripted(raw=OK + b"Content-Length: 2\r\n\r\nhi", split=20, pace_s=0.001),
    "nothing but a head": Scripted(raw=OK + b"\r\n", end="close"),
    "a chunk cut short": Scripted(raw=OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", end="close"),
    "no last chunk": Scripted(raw=OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", end="close"),
    "an empty line first": Scripted(raw=b"\r\n" + OK + b"Content-Length: 2\r\n\r\nhi"),
    "a negative length": Scripted(raw=OK + b"Content-Length: -2\r\n\r\nhi"),
    "a length that is no number": Scripted(raw=OK + b"Content-Length: two\r\n\r\nhi"),
    "a chunk longer than said": Scripted(raw=OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n"),
    "a status of two digits": Scripted(raw=b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    "a status of four digits": Scripted(raw=b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    "a header without a colon": Scripted(raw=OK + b"what is this\r\nContent-Length: 0\r\n\r\n"),
    "a folded header": Scripted(raw=OK + b"X-A: b\r\n  c\r\nContent-Length: 0\r\n\r\n"),
    "a zero byte in a header": Scripted(raw=OK + b"X-A: b\0c\r\nContent-Length: 0\r\n\r\n"),
    "silence": Scripted(raw=b"", end="close"),
}  # fmt: skip
ALL = (
    dict(SCENARIOS)
    | {f"odd: {odd.id}": odd.said for odd in ODD_BUT_FINE}
    | {f"refused: {name}": Scripted(raw=raw) for name, raw in REFUSED}
    | {f"more: {name}": said for name, said in MORE.items()}
)
MUTE = {"T02-never-answers", "T02-never-ends-its-head", "E08-stalls", "E09-only-comments"}
"""Both would wait; how long is tested elsewhere."""

STRICTER = {
    "U14-redirect": "a redirect is no answer to us",
    "U14-redirect-permanent": "a redirect is no answer to us",
    "S20-status-600": "a status of no class says nothing",
    "S20-status-999": "a status of no class says nothing",
    "B03-cut-gzip": "a compression that does not end was cut",
    "B03-gzip-bomb": "the bound holds for what was inflated",
    "refused: an unknown transfer coding": "a transfer coding that we cannot undo",
    "refused: bare line feeds": "lines of a head end with CRLF; anything else invites a smuggled answer",
    "refused: an upgrade nobody asked for": "the connection would speak another protocol",
    "more: a folded header": "folding is obsolete, and a way to smuggle",
}
"""Answers that aiohttp takes and we do not, and why."""
CUT = {"S24-binary-error": 16384, "S24-huge-error": 16384}
"""Of an error only the beginning is read."""
MILDER = {"odd: an error in bad gzip": "the status says enough, and the body of an error is read by nobody"}
"""Answers that we take and aiohttp does not, and why."""


class Heard(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@pytest.mark.parametrize("name", [name for name in ALL if name not in MUTE])
def test_both_clients_hear_the_same(name: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(ALL[name], ALL[name])
        reply = await lab.send(patience=lab.patience(idle_s=0.3, first_byte_s=0.3))
        ours = Heard(reply.status, sorted(reply.headers), reply.body) if isinstance(reply, Reply) else None
        theirs = await by_aiohttp(lab)
        assert len(wire.requests) == 2
        if name in STRICTER:
            assert (ours, theirs is None) == (None, False)
        elif name in MILDER:
            assert (ours is None, theirs) == (False, None)
        elif name in CUT:
            assert ours is not None
            assert theirs is not None
            assert (ours.status, ours.headers, ours.body) == (theirs.status, theirs.headers, theirs.body[: CUT[name]])
        else:
            assert ours == theirs

    run("asyncio", main, wire.url)


async def by_aiohttp(lab: Lab) -> Heard | None:
    call = lab.call()
    patience = aiohttp.ClientTimeout(total=1, sock_read=0.3)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as session,
            session.post(call.url, data=call.body, headers=dict(HEADERS), allow_redirects=False) as answer,
        ):
            body = await answer.read()
            headers = sorted((name.lower(), latin(value)) for name, value in answer.headers.items())
            return Heard(answer.status, headers, body)
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        return None
    finally:
        await asyncio.sleep(0)


def latin(value: str) -> str:
    """aiohttp decodes headers as UTF-8 where it can; we take the bytes for what HTTP says they are."""
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def test_enough_answers_are_compared() -> None:
    assert len(ALL) - len(MUTE) > 100
