"""Heads of requests: written once for a route, and never mistaken for those of another."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.call import Call, Headers
from gateway.upstream.letter import ENDS, KEPT, Letters
from tests.builders import a_provider

PROVIDER = a_provider(base_url="http://127.0.0.1:9/v1")
WHOLE: Headers = (("accept", "application/json"),)
STREAM: Headers = (("accept", "text/event-stream"),)
URLS = ("http://127.0.0.1:9/v1/a", "http://127.0.0.1:9/v1/b", "http://127.0.0.1:8/v1/a")


def said(letters: Letters, call: Call) -> tuple[object, bytes]:
    letter = letters.write(PROVIDER, call)
    assert letter is not None
    return letter[0], b"".join(letter[1])


CALLS = st.builds(
    Call,
    method=st.sampled_from(["POST", "GET"]),
    url=st.sampled_from(URLS),
    headers=st.sampled_from([WHOLE, STREAM, ()]),
    body=st.sampled_from([b"", b"{}", b"x" * 100]),
    request_id=st.sampled_from(["", "01j9", "01ja"]),
)


@given(st.lists(CALLS, max_size=12))
@settings(max_examples=100, deadline=None)
def test_what_was_written_before_changes_nothing(calls: list[Call]) -> None:
    used = Letters()
    for call in calls:
        assert said(used, call) == said(Letters(), call)


def test_equal_headers_of_another_route_are_written_the_same() -> None:
    letters = Letters()
    for headers in (WHOLE, tuple((*pair,) for pair in WHOLE)):
        call = Call(url=URLS[0], headers=headers, body=b"{}", request_id="01j9")
        assert said(letters, call) == said(Letters(), call)


def test_headers_that_live_where_others_did_are_not_taken_for_them() -> None:
    letters = Letters()
    for number in range(3 * KEPT):  # most of them gone before the next is made
        call = Call(url=URLS[0], headers=(("x-number", str(number)),))
        assert b"x-number: %d\r\n" % number in said(letters, call)[1]


def test_what_is_kept_is_bounded() -> None:
    letters = Letters()
    for number in range(max(KEPT, ENDS) + 10):
        said(letters, Call(url=URLS[0], headers=(("x-number", str(number)),), body=b"x" * number))
    assert len(letters._kept) <= KEPT
    assert len(letters._at_hand) <= KEPT
    assert len(letters._ends) <= ENDS


@pytest.mark.parametrize("request_id", ["a b", "a\r\nx: y", "ä", "-"])
def test_an_id_that_could_break_a_line_is_not_written(request_id: str) -> None:
    assert Letters().write(PROVIDER, Call(url=URLS[0], headers=WHOLE, request_id=request_id)) is None
