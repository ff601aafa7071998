"""Server-sent events: the same bytes give the same events, however they were cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.sse import Event, SseReader, frame
from tests.wire import SCENARIOS

CASES: list[tuple[str, bytes, list[Event]]] = [
    ("one event", b"data: a\n\n", [Event(b"a")]),
    ("two events", b"data: a\n\ndata: b\n\n", [Event(b"a"), Event(b"b")]),
    ("E11 carriage returns", b"data: a\r\rdata: b\r\r", [Event(b"a"), Event(b"b")]),
    ("E11 both", b"data: a\r\n\r\ndata: b\r\n\r\n", [Event(b"a"), Event(b"b")]),
    ("E11 mixed", b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\r", [Event(b"a\nb\nc"), Event(b"d")]),
    ("E12 other separators are data", "data: a\u2028b\u2029c\x85d\x0be\x0cf\n\n".encode(), [
        Event("a\u2028b\u2029c\x85d\x0be\x0cf".encode())
    ]),
    ("E13 many data lines", b"data: a\ndata: b\ndata:\ndata\n\n", [Event(b"a\nb\n\n")]),
    ("E13 a name", b"event: ping\ndata: a\n\ndata: b\n\n", [Event(b"a", b"ping"), Event(b"b")]),
    ("E13 the last name counts", b"event: x\nevent: y\ndata: a\n\n", [Event(b"a", b"y")]),
    ("E13 a name without data is nothing", b"event: ping\n\ndata: a\n\n", [Event(b"a")]),
    ("E13 no space after the colon", b"data:a\ndata:  b\n\n", [Event(b"a\n b")]),
    ("E13 id, retry and unknown fields", b"id: 1\nretry: 5\nfoo: x\nbar\ndata: a\n\n", [Event(b"a")]),
    ("E13 comments", b": hi\n\n:\ndata: a\n: there\ndata: b\n\n", [Event(b"a\nb")]),
    ("E13 a byte order mark", b"\xef\xbb\xbfdata: a\n\n", [Event(b"a")]),
    ("E13 only the first mark is none", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [Event(b"b")]),
    ("E13 half a mark is a field", b"\xef\xbbdata: a\n\ndata: b\n\n", [Event(b"b")]),
    ("E13 a stream shorter than the mark", b"\n\n", []),
    ("empty data is an event", b"data:\n\ndata\n\n", [Event(b""), Event(b"")]),
    ("many blank lines", b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [Event(b"a"), Event(b"b")]),
    ("a field that begins like data", b"data2: a\ndatax\n\ndata: b\n\n", [Event(b"b")]),
    ("a colon in the data", b'data: {"a": "b: c"}\n\n', [Event(b'{"a": "b: c"}')]),
    ("E10 letters of many bytes", "data: 日本語 🎉\n\n".encode(), [Event("日本語 🎉".encode())]),
]  # fmt: skip


def read(pieces: list[bytes], reader: SseReader | None = None) -> list[Event]:
    reader = reader or SseReader()
    return [event for piece in pieces for event in reader.feed(piece)]


@pytest.mark.parametrize(("said", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_events_are_read_by_the_rules_at_every_pair_of_cuts(said: bytes, expected: list[Event]) -> None:
    assert read([said]) == expected
    assert read([said[at : at + 1] for at in range(len(said))]) == expected
    for first in range(len(said) + 1):
        for second in range(first, len(said) + 1):
            assert read([said[:first], said[first:second], said[second:]]) == expected


STREAMS = {name: b"".join(said.pieces()) for name, said in SCENARIOS.items() if name.startswith("E")}
STREAMS = {name: said for name, said in STREAMS.items() if len(said) < 100_000}


@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_reads_the_same_at_every_cut(name: str) -> None:
    said = STREAMS[name]
    whole = read([said])
    step = 1 if len(said) < 4000 else 97
    assert all(read([said[:at], said[at:]]) == whole for at in range(0, len(said), step))
    for size in (1, 2, 3, 7, 64):
        assert read([said[at : at + size] for at in range(0, len(said), size)]) == whole


ODD_BYTES = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b":", b" ", b"data", b"data: ", b"event: ", b"x", b"\xef\xbb\xbf", b"\xe2"]
    ),
    max_size=30,
).map(b"".join)


@given(ODD_BYTES, st.lists(st.integers(0, 100), max_size=8))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_the_same_events_in_any_cuts(said: bytes, cuts: list[int]) -> None:
    places = sorted({min(cut, len(said)) for cut in cuts} | {0, len(said)})
    pieces = [said[start:end] for start, end in itertools.pairwise(places)]
    whole, cut = SseReader(), SseReader()
    assert read(pieces, cut) + cut.end() == read([said], whole) + whole.end()


@given(ODD_BYTES)
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_as_the_standard_says(said: bytes) -> None:
    assert read([said]) == by_the_standard(said)


def by_the_standard(said: bytes) -> list[Event]:
    """The algorithm of the HTML standard, word for word and slow."""
    said = said.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events, data, name = [], b"", b""
    for line in said.split(b"\n")[:-1]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                events.append(Event(data[:-1], name))
            data = name = b""
        elif field == b"data":
            data += value + b"\n"
        elif field == b"event":
            name = value
    return events


@given(st.lists(st.binary(max_size=40).filter(lambda data: b"\r" not in data), max_size=6))
@settings(max_examples=100, deadline=None)
def test_what_is_framed_is_read_back(items: list[bytes]) -> None:
    assert read([b"".join(map(frame, items))]) == [Event(item) for item in items]


def test_a_frame_never_holds_a_line_that_is_not_data() -> None:
    assert frame(b"a\r\nevent: x\rb") == b"data: a\ndata: event: x\ndata: b\n\n"


@pytest.mark.parametrize("size", [1, 5, 64, 1000])
def test_e14_an_event_over_the_limit_ends_the_reading(size: int) -> None:
    said = b"data: ok\n\n" + b"data: " + b"x" * 100 + b"\n\ndata: never\n\n"
    reader = SseReader(max_event_bytes=64)
    assert read([said[at : at + size] for at in range(0, len(said), size)], reader) == [Event(b"ok")]
    assert reader.overflow
    assert reader.feed(b"data: more\n\n") == []
    assert reader.end() == []


def test_e14_an_endless_line_is_noticed_without_its_end_and_costs_no_square() -> None:
    reader = SseReader()
    for _ in range(17):
        reader.feed(b"x" * 65536)
    assert reader.overflow
    byte_by_byte = SseReader()
    for _ in range(200_000):
        byte_by_byte.feed(b"x")
    assert not byte_by_byte.overflow


def test_an_event_as_long_as_allowed_is_read() -> None:
    reader = SseReader(max_event_bytes=64)
    assert reader.feed(b"data: " + b"x" * 58 + b"\n\n") == [Event(b"x" * 58)]
    assert not reader.overflow


ENDINGS = [
    (b"data: [DONE]", [Event(b"[DONE]")]),
    (b"data: [DONE]\n", [Event(b"[DONE]")]),
    (b"data: a\n\ndata: [DONE]\r", [Event(b"[DONE]")]),
    (b"event: x", []),
    (b"", []),
    (b"\xef\xbb", []),
]


@pytest.mark.parametrize(("said", "expected"), ENDINGS)
def test_the_end_gives_up_what_had_no_blank_line(said: bytes, expected: list[Event]) -> None:
    reader = SseReader()
    reader.feed(said)
    assert reader.end() == expected
    assert reader.end() == []
