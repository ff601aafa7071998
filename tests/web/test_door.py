"""The door: what is turned away before any routing."""

import pytest

from gateway.errors import RequestError
from gateway.web.door import check_target, read_headers

HOST = (b"host", b"gateway.example")

BAD = {
    "C34 no host": ([(b"accept", b"*/*")], "invalid_host"),
    "C34 two hosts": ([HOST, HOST], "duplicate_header"),
    "C34 a host with a path": ([(b"host", b"a/b")], "invalid_host"),
    "C34 a host with a query": ([(b"host", b"a?b")], "invalid_host"),
    "C34 a host with a user": ([(b"host", b"a@b")], "invalid_host"),
    "A02 two credentials": (
        [HOST, (b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
        "duplicate_header",
    ),
    "C32 two thousand headers": ([HOST, *[(b"x-%d" % n, b"v") for n in range(2000)]], "headers_too_large"),
    "C32 one header of 70 KB": ([HOST, (b"x", b"v" * 70_000)], "headers_too_large"),
}


@pytest.mark.parametrize(("pairs", "code"), BAD.values(), ids=BAD.keys())
def test_a_bad_head_is_refused(pairs: list[tuple[bytes, bytes]], code: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_headers(pairs)
    assert caught.value.code == code


def test_a_good_head_becomes_a_mapping() -> None:
    assert read_headers([HOST, (b"accept", b"*/*")]) == {b"host": b"gateway.example", b"accept": b"*/*"}


def test_c32_a_target_of_100_kb_is_refused() -> None:
    with pytest.raises(RequestError) as caught:
        check_target({"raw_path": b"/" + b"a" * 100_000, "query_string": b""})
    assert caught.value.code == "headers_too_large"
