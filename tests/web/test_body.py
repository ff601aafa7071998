"""Bodies: what is read, what is refused, and with which words."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.errors import RequestError
from gateway.web.body import check_content, decode_object, read_body

BAD = {
    "C01 an empty body": (b"", "invalid_json"),
    "C02 a truncated object": (b'{"a":1', "invalid_json"),
    "C02 trailing data": (b"{} x", "invalid_json"),
    "C02 a list at the top": (b"[]", "invalid_json"),
    "C02 a string at the top": (b'"x"', "invalid_json"),
    "C03 bytes that are not UTF-8": (b'{"a":"\xff"}', "invalid_json"),
    "C03 UTF-16": ('{"a":1}'.encode("utf-16"), "invalid_json"),
    "C03 a byte order mark": (b"\xef\xbb\xbf{}", "invalid_json"),
    "C04 65 levels": (b'{"a":' * 65 + b"1" + b"}" * 65, "json_too_deep"),
    "C04 100,000 arrays": (b"[" * 100_000, "json_too_deep"),
    "C05 an integer of 5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", "invalid_json"),
    "C05 a number beyond doubles": (b'{"a":1e999}', "invalid_json"),
    "C05 NaN": (b'{"a":NaN}', "invalid_json"),
    "C05 Infinity": (b'{"a":Infinity}', "invalid_json"),
    "C07 half a surrogate pair": (b'{"a":"\\ud800"}', "invalid_json"),
    "C07 half a surrogate pair in a key": (b'{"\\udc00":1}', "invalid_json"),
}


@pytest.mark.parametrize(("body", "code"), BAD.values(), ids=BAD.keys())
def test_a_body_that_is_not_one_sane_object_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode_object(body)
    assert (caught.value.kind, caught.value.code) == ("bad_request", code)


def test_64_levels_are_fine() -> None:
    assert decode_object(b'{"a":' * 64 + b"1" + b"}" * 64)


def test_a_wide_body_is_not_a_deep_one() -> None:
    assert len(decode_object(msgspec.json.encode({"a": [{"b": [1]}] * 1000}))["a"]) == 1000


def test_c06_of_two_equal_keys_the_last_is_kept_and_one_is_sent_on() -> None:
    assert decode_object(b'{"model":"a","model":"b"}') == {"model": "b"}


def test_c08_nul_inside_a_string_is_kept() -> None:
    assert decode_object(b'{"a":"x\\u0000y"}') == {"a": "x\0y"}


def receiving(*parts: bytes, stall: bool = False) -> Any:
    messages = [
        {"type": "http.request", "body": part, "more_body": stall or index < len(parts) - 1}
        for index, part in enumerate(parts)
    ]

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return receive


def read(receive: Any, headers: dict[bytes, bytes] | None = None, *, limit: int = 10, timeout_s: float = 5) -> bytes:
    return asyncio.run(read_body(receive, headers or {}, limit, timeout_s))


def test_a_body_in_parts_is_joined() -> None:
    assert read(receiving(b"ab", b"cd", b"")) == b"abcd"


def test_c27_a_declared_length_over_the_limit_is_refused_before_reading() -> None:
    async def never() -> Any:
        raise AssertionError("nothing may be read")

    with pytest.raises(RequestError, match="larger than 10 bytes") as caught:
        read(never, {b"content-length": b"11"})
    assert caught.value.kind == "too_large"


def test_c28_a_chunked_body_is_refused_at_the_limit() -> None:
    with pytest.raises(RequestError) as caught:
        read(receiving(b"12345678", b"12345678", b"12345678"))
    assert caught.value.kind == "too_large"


def test_c36_a_body_that_stops_half_way_is_given_up() -> None:
    with pytest.raises(RequestError) as caught:
        read(receiving(b"ab", stall=True), timeout_s=0.01)
    assert (caught.value.kind, caught.value.code) == ("body_timeout", "body_timeout")


@pytest.mark.parametrize(
    "kind",
    [b"application/json", b"text/plain", b"application/x-www-form-urlencoded", b"application/json; charset=utf-8"],
)
def test_c30_json_under_any_plain_name_is_read(kind: bytes) -> None:
    check_content({b"content-type": kind})


@pytest.mark.parametrize(
    "headers",
    [
        {b"content-encoding": b"gzip"},
        {b"content-type": b"multipart/form-data; boundary=x"},
    ],
)
def test_c29_c30_compressed_bodies_and_forms_are_unsupported(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(RequestError) as caught:
        check_content(headers)
    assert caught.value.kind == "unsupported_media"
