"""Heads as ready lines: nothing ends a line that should not, whoever named what is in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.key import Limits
from gateway.web.answer import JSON, config_line, first_lines, header_safe
from gateway.web.head import NO_LINES, joined, lines_of, one_line, pairs_of
from gateway.web.limit_headers import rate_lines, rates_of
from gateway.web.openai import served_by

NAMES = st.sampled_from([b"x-one", b"x-two", b"content-type", b"x-inferoute-provider"])
DIGEST = "a" * 64
SERVED = [
    *(b"x-tokenhub-config", b"content-type", b"x-inferoute-provider", b"x-tokenhub-model", b"x-tokenhub-reason"),
    b"x-tokenhub-attempts",
]
ENDS = (b"\r", b"\n", b"\0")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=6))
def test_lines_say_what_their_headers_said_or_are_not_made(pairs: list[tuple[bytes, bytes]]) -> None:
    if any(end in value for _, value in pairs for end in ENDS):
        with pytest.raises(RuntimeError, match="would end it"):
            lines_of(pairs)
    else:
        lines = lines_of(pairs)
        assert pairs_of(lines) == pairs
        assert lines.count(b"\n") == len(pairs)


@pytest.mark.parametrize("value", [b"one\r\nx-two: 2", b"one\nx-two: 2", b"one\rx-two: 2", b"a\0b"])
def test_neither_a_name_nor_a_value_nor_an_id_brings_a_line_of_its_own(value: bytes) -> None:
    for pair in ((b"x-one", value), (value, b"one")):
        with pytest.raises(RuntimeError):
            lines_of([pair])
    with pytest.raises(RuntimeError):
        one_line(value)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.integers(0, 9))
def test_whatever_a_provider_is_called_its_lines_are_six(provider: str, name: str, reason: str, attempts: int) -> None:
    try:
        told = served_by(JSON, DIGEST, provider, name, reason, attempts)
    except RuntimeError:
        assert "\0" in provider + name + reason
        return
    assert [header for header, _ in pairs_of(told)] == SERVED
    assert pairs_of(told)[2][1] == header_safe(provider)


def test_a_configuration_is_told_with_the_lines_that_were_made_under_it() -> None:
    one, two = DIGEST, "b" * 64
    assert pairs_of(first_lines(JSON, one))[0] == (b"x-tokenhub-config", b"a" * 12)
    assert pairs_of(first_lines(JSON, two)) == pairs_of(joined(config_line(two), JSON))
    assert served_by(JSON, one, "p", "m", "r", 1) != served_by(JSON, two, "p", "m", "r", 1)


@pytest.mark.parametrize(
    ("requests", "tokens", "told"),
    [
        (None, None, []),
        (60, None, [(b"x-ratelimit-limit-requests", b"60"), (b"x-ratelimit-remaining-requests", b"1")]),
        (None, 600, [(b"x-ratelimit-limit-tokens", b"600"), (b"x-ratelimit-remaining-tokens", b"1")]),
        (7, 8, [(b"x-ratelimit-limit-requests", b"7"), (b"x-ratelimit-limit-tokens", b"8")]),
    ],
)
def test_the_lines_are_those_of_the_limits_they_were_asked_for(
    requests: int | None, tokens: int | None, told: list[tuple[bytes, bytes]]
) -> None:
    numbers = (1, 2) * sum(limit is not None for limit in (requests, tokens))
    pairs = pairs_of(rate_lines(Limits(requests_per_minute=requests, tokens_per_minute=tokens), numbers))
    assert len(pairs) == 3 * len(numbers) // 2
    assert set(told) <= set(pairs)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([60, 600]), st.integers(0, 2), st.integers(0, 2)), max_size=20))
def test_what_was_told_before_is_told_again_only_where_it_is_the_same(told: list[tuple[int, int, int]]) -> None:
    """Whoever has the same limits, and whatever was told of them last."""
    for limit, remaining, reset in told:
        lines = rate_lines(Limits(requests_per_minute=limit), (remaining, reset))
        assert [int(value) for _, value in pairs_of(lines)] == [limit, remaining, reset]


def test_what_is_kept_is_bounded() -> None:
    for kept in (served_by, rates_of):
        assert kept.cache_info().maxsize is not None
    assert pairs_of(NO_LINES) == []
