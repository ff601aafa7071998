"""The framing of AWS's event stream, by AWS's published messages, good and corrupt, and in any cuts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.bedrock.eventstream import Frame, FrameReader
from gateway.domain.trail import Failure

from .frames import frame

GOOD: dict[str, tuple[bytes, dict[str, object], bytes]] = {
    "empty_message": (b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2H\xeb}\x98\xc8\xff", {}, b""),
    "int8_header": (
        b"\x00\x00\x00\x17\x00\x00\x00\x07)\x86\x01X\x04byte\x02\xff\xc2\xf8i\xdc",
        {"byte": -1},
        b"",
    ),
    "int16_header": (
        b"\x00\x00\x00\x19\x00\x00\x00\tq\x0e\x92>\x05short\x03\xff\xff\xb2|\xb6\xcc",
        {"short": -1},
        b"",
    ),
    "int32_header": (
        b"\x00\x00\x00\x1d\x00\x00\x00\r\x83\xe3\xf0\xe7\x07integer\x04\xff\xff\xff\xff\x8b\x8e\x12\xeb",
        {"integer": -1},
        b"",
    ),
    "int64_header": (
        b"\x00\x00\x00\x1e\x00\x00\x00\x0e]J\xdb\x8d\x04long\x05\xff\xff\xff\xff\xff\xff\xff\xffK\xc22\xda",
        {"long": -1},
        b"",
    ),
    "payload_no_headers": (
        b"\x00\x00\x00\x1d\x00\x00\x00\x00\xfdR\x8cZ{'foo':'bar'}\xc3e96",
        {},
        b"{'foo':'bar'}",
    ),
    "payload_one_str_header": (
        (
            b"\x00\x00\x00=\x00\x00\x00 \x07\xfd\x83\x96\x0ccontent-type\x07\x00\x10"
            b"application/json{'foo':'bar'}\x8d\x9c\x08\xb1"
        ),
        {"content-type": "application/json"},
        b"{'foo':'bar'}",
    ),
    "all_headers": (
        (
            b"\x00\x00\x00\x62\x00\x00\x00\x52\x03\xb5\xcb\x9c\x010\x00\x011\x01\x012\x02\x02\x013\x03\x00\x03"
            b"\x014\x04\x00\x00\x00\x04\x015\x05\x00\x00\x00\x00\x00\x00\x00\x05\x016\x06\x00\x05bytes\x017\x07\x00\x04utf8"
            b"\x018\x08\x00\x00\x00\x00\x00\x00\x00\x08\x019\x090123456789abcdef\x63\x35\x36\x71"
        ),
        {
            "0": True,
            "1": False,
            "2": 2,
            "3": 3,
            "4": 4,
            "5": 5,
            "6": b"bytes",
            "7": "utf8",
            "8": 8,
            "9": b"0123456789abcdef",
        },
        b"",
    ),
    "error_event": (
        (
            b"\x00\x00\x00\x52\x00\x00\x00\x42\xbf\x23\x63\x7e\x0d:message-type\x07\x00\x05error"
            b"\x0b:error-code\x07\x00\x04code\x0e:error-message\x07\x00\x07message\x6b\x6c\xea\x3d"
        ),
        {":message-type": "error", ":error-code": "code", ":error-message": "message"},
        b"",
    ),
}

BAD: dict[str, tuple[bytes, str]] = {
    "corrupted_length": (
        b"\x01\x00\x00\x1d\x00\x00\x00\x00\xfdR\x8cZ{'foo':'bar'}\xc3e96",
        "checksum of its prelude",
    ),
    "corrupted_header_length": (
        (
            b"\x00\x00\x00=\xff\x00\x01\x02\x07\xfd\x83\x96\x0ccontent-type\x07\x00"
            b"\x10application/json{'foo':'bar'}\x8d\x9c\x08\xb1"
        ),
        "checksum of its prelude",
    ),
    "corrupted_headers": (
        (
            b"\x00\x00\x00=\x00\x00\x00 \x07\xfd\x83\x96\x0ccontent+type\x07\x00\x10"
            b"application/json{'foo':'bar'}\x8d\x9c\x08\xb1"
        ),
        "checksum of the message",
    ),
    "corrupted_payload": (
        b"\x00\x00\x00\x1d\x00\x00\x00\x00\xfdR\x8cZ{'foo':'bar'\x8d\xc3e96",
        "checksum of the message",
    ),
    "duplicate_header": (
        b"\x00\x00\x00\x24\x00\x00\x00\x14\x4b\xb9\x82\xd0\x04test\x04asdf\x04test\x04asdf\xf3\xf4\x75\x63",
        "`test` comes twice",
    ),
    "invalid_headers_length": (
        (
            b"\x00\x00\x00\x3d\xff\x00\x01\x02\x15\x83\xf5\xc2\x0ccontent-type\x07\x00\x10application/json"
            b"{'foo':'bar'}\x2f\x37\x7f\x5d"
        ),
        "contradict each other",
    ),
}
TOO_LONG = b"\x01\x80\x00\x21\x00\x00\x00\x00\xdd\x3f\x33\xb1"


@pytest.mark.parametrize("name", GOOD)
def test_a_published_message_is_read(name: str) -> None:
    wire, headers, payload = GOOD[name]
    assert FrameReader().feed(wire) == [Frame(headers, payload)]


@pytest.mark.parametrize("name", GOOD)
def test_every_cut_gives_the_same_frame(name: str) -> None:
    wire, headers, payload = GOOD[name]
    for cut in range(len(wire) + 1):
        reader = FrameReader()
        assert [*reader.feed(wire[:cut]), *reader.feed(wire[cut:]), *reader.end()] == [Frame(headers, payload)]


@pytest.mark.parametrize("name", BAD)
def test_a_corrupt_message_is_a_failure_that_says_where_and_what(name: str) -> None:
    wire, why = BAD[name]
    good = GOOD["empty_message"][0]
    reader = FrameReader()
    first, failure = reader.feed(good + wire + good)
    assert isinstance(first, Frame)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == ("garbled", "malformed_response")
    assert f"at byte {len(good)} of" in failure.message
    assert why in failure.message
    assert reader.feed(good) == [] == reader.end()


def test_an_oversize_frame_is_refused_at_its_prelude() -> None:
    (failure,) = FrameReader().feed(TOO_LONG)
    assert isinstance(failure, Failure)
    assert failure.code == "event_too_large"


def test_a_stream_cut_inside_a_frame_is_incomplete() -> None:
    reader = FrameReader()
    assert reader.feed(GOOD["all_headers"][0][:40]) == []
    (failure,) = reader.end()
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == ("transient", "upstream_incomplete")


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (b"\x04name\x0a", "unknown type 10"),
        (b"\x04na", "do not fit"),
        (b"\x04name\x07\x00\x09ab", "do not fit"),
        (b"\x04name\x04\x00", "do not fit"),
        (b"\x01\xff\x00", "do not fit"),
    ],
)
def test_headers_that_lie_about_themselves_are_a_failure(block: bytes, why: str) -> None:
    import struct
    import zlib

    start = struct.pack(">II", 16 + len(block), len(block))
    whole = start + struct.pack(">I", zlib.crc32(start)) + block
    (failure,) = FrameReader().feed(whole + struct.pack(">I", zlib.crc32(whole)))
    assert isinstance(failure, Failure)
    assert why in failure.message


FRAMES = st.lists(
    st.tuples(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3), st.binary(max_size=40))
)


@settings(max_examples=60, deadline=None)
@given(frames=FRAMES, size=st.integers(1, 50))
def test_what_is_written_is_read_in_cuts_of_any_size(frames: list[tuple[dict[str, str], bytes]], size: int) -> None:
    wire = b"".join(frame(headers, payload) for headers, payload in frames)
    reader = FrameReader()
    got = [one for at in range(0, len(wire), size) for one in reader.feed(wire[at : at + size])]
    assert got + reader.end() == [Frame(headers, payload) for headers, payload in frames]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    reader = FrameReader()
    reader.feed(data)
    reader.end()
