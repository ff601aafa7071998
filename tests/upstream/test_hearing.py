"""Answers out of bytes: however they are cut, the same is heard; and what follows an answer is never part of it."""

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.upstream.bounds import Bounds
from gateway.upstream.hearing import Hearing
from gateway.upstream.inflate import STEP_BYTES, Inflater
from tests.upstream.test_oracle import ALL

SAID = {name: said.head() + b"".join(said.writes()) for name, said in ALL.items()}
SAID = {name: bytes(b"".join(ALL[name].informational)) + said for name, said in SAID.items() if len(said) < 5000}
LARGE = {name for name, said in SAID.items() if len(said) > 2000}


def hear(pieces: list[bytes], *, clean: bool = True) -> tuple[object, ...]:
    hearing = Hearing(Bounds(head_bytes=3000, body_bytes=4000, error_bytes=300))
    hearing.start()
    for piece in pieces:
        if piece:
            hearing.feed(piece)
    hearing.hang_up(clean=clean)
    if hearing.fault is not None:
        return (hearing.fault, hearing.head.status if hearing.head is not None else None)
    return (hearing.head, hearing.take())


@pytest.mark.parametrize("name", SAID)
def test_an_answer_is_heard_the_same_at_every_cut(name: str) -> None:
    said = SAID[name]
    whole = hear([said])
    step = 7 if name in LARGE else 1
    for at in range(0, len(said) + 1, step):
        assert hear([said[:at], said[at:]]) == whole
    assert hear([said[at : at + 1] for at in range(len(said))]) == whole


@given(st.sampled_from(sorted(SAID)), st.lists(st.integers(0, 5000), max_size=6), st.booleans())
@settings(max_examples=100, deadline=None)
def test_an_answer_is_heard_the_same_in_any_cuts(name: str, cuts: list[int], clean: bool) -> None:
    said = SAID[name]
    places = sorted({min(cut, len(said)) for cut in cuts} | {0, len(said)})
    pieces = [said[start:end] for start, end in zip(places, [*places[1:], len(said)], strict=True)]
    assert hear(pieces, clean=clean) == hear([said], clean=clean)


LINES = st.sampled_from(
    [b"X-A: b", b"Connection: close", b"connection: Keep-Alive", b"Keep-Alive: timeout=7", b"CONTENT-ENCODING: gzip"]
)
FRAMES: dict[str, Callable[[bytes], tuple[bytes, bytes]]] = {
    "length": lambda body: (b"Content-Length: %d" % len(body), body),
    "chunks": lambda body: (b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
    "odd coding": lambda body: (b"Transfer-Encoding: gzip, chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
    "stray lines": lambda body: (b"Content-Length: %d" % len(body), body + b"\r\n\r\n"),
    "nothing": lambda _: (b"Content-Length: 0", b""),
}
STARTS = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"\r\nHTTP/1.1 200 OK", b"HTTP/1.1 503 No"])
BODIES = st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n", b"{}\n", b"\r\n\r\n", b"x" * 3000, b"x" * 4001])


@given(STARTS, st.lists(LINES, max_size=3), st.sampled_from(sorted(FRAMES)), BODIES)
@settings(max_examples=100, deadline=None)
def test_an_answer_in_one_piece_is_heard_like_one_in_many(
    start: bytes, lines: list[bytes], frame: str, body: bytes
) -> None:
    framing, framed = FRAMES[frame](body)
    said = b"\r\n".join([start, *lines, framing, b"", framed])
    at_once, bit_by_bit = heard([said]), heard([said[at : at + 1] for at in range(len(said))])
    if frame == "stray lines":  # lines that come by themselves are words nobody asked for
        at_once, bit_by_bit = at_once[:-1], bit_by_bit[:-1]
    assert at_once == bit_by_bit


def heard(pieces: list[bytes]) -> tuple[object, ...]:
    """All that a hearing knows after these, as the second answer that it hears."""
    hearing = Hearing(Bounds(head_bytes=3000, body_bytes=4000, error_bytes=300))
    hearing.start()
    hearing.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    assert (hearing.take(), hearing.complete) == (b"hi", True)
    hearing.start()
    for piece in pieces:
        hearing.feed(piece)
    if hearing.fault is not None:
        return (hearing.fault, hearing.keep)
    return (hearing.head, hearing.complete, hearing.take(), hearing.keep)


@given(st.binary(max_size=300), st.integers(0, 300))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_heard_without_a_crash(noise: bytes, at: int) -> None:
    for said in (noise, SAID["S14-server-error"][:at] + noise):
        assert hear([said]) is not None


@given(st.binary(min_size=1, max_size=50).filter(lambda more: more.strip(b"\r\n") != b""))
@settings(max_examples=50, deadline=None)
def test_what_follows_an_answer_is_not_part_of_it_and_spoils_the_connection(more: bytes) -> None:
    for together in (True, False):
        hearing = Hearing(Bounds())
        hearing.start()
        said = SAID["S14-server-error"]
        for piece in [said + more] if together else [said, more]:
            hearing.feed(piece)
        assert (hearing.complete, hearing.keep, hearing.fault) == (True, False, None)
        assert hearing.take() == said.partition(b"\r\n\r\n")[2]


def test_one_hearing_serves_many_answers() -> None:
    hearing = Hearing(Bounds())
    for name in ("S14-server-error", "S18-no-content", "E05-no-done", "S17-early-hints", "B03-gzip"):
        hearing.start()
        hearing.feed(SAID[name])
        assert (hearing.complete, hearing.keep) == (True, True)


@given(st.binary(max_size=3000), st.sampled_from(["gzip", "deflate", "raw"]), st.integers(1, 700))
@settings(max_examples=60, deadline=None)
def test_what_was_squeezed_is_undone_in_any_cuts(plain: bytes, coding: str, size: int) -> None:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, {"gzip": 31, "deflate": 15, "raw": -15}[coding])
    squeezed = squeezer.compress(plain) + squeezer.flush()
    inflater = Inflater("deflate" if coding == "raw" else coding)
    pieces = [squeezed[at : at + size] for at in range(0, len(squeezed), size)]
    assert b"".join(out for piece in pieces for out in inflater.feed(piece)) == plain
    assert inflater.finished


def test_a_gzip_of_several_members_is_undone() -> None:
    def member(plain: bytes) -> bytes:
        squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
        return squeezer.compress(plain) + squeezer.flush()

    inflater = Inflater("gzip")
    assert b"".join(inflater.feed(member(b"hello ") + member(b"there"))) == b"hello there"
    assert inflater.finished


def test_each_step_of_a_bomb_is_bounded() -> None:
    bomb = zlib.compress(b"\0" * 10_000_000)
    sizes = [len(out) for out in Inflater("deflate").feed(bomb)]
    assert sum(sizes) == 10_000_000
    assert max(sizes) <= STEP_BYTES
