"""Request headers: credentials, strategies, fallbacks, ids."""

import pytest

from gateway.errors import RequestError
from gateway.web.wishes import client_id_of, token_of, wishes_of

TOKENS = {
    "A01 nothing sent": ({}, None),
    "a bearer": ({b"authorization": b"Bearer th-1"}, b"th-1"),
    "A02 the scheme in any case": ({b"authorization": b"bEaReR th-1"}, b"th-1"),
    "A02 basic": ({b"authorization": b"Basic dGg="}, b""),
    "A02 an empty token": ({b"authorization": b"Bearer "}, b""),
    "A02 a trailing space": ({b"authorization": b"Bearer th-1 "}, b""),
    "A03 X-API-Key is no credential": ({b"x-api-key": b"th-1"}, None),
    "A04 bytes stay bytes": ({b"authorization": b"Bearer \xff\xfe"}, b"\xff\xfe"),
}


@pytest.mark.parametrize(("headers", "token"), TOKENS.values(), ids=TOKENS.keys())
def test_the_token_is_read_from_the_authorization_header_alone(
    headers: dict[bytes, bytes], token: bytes | None
) -> None:
    assert token_of(headers) == token


def test_fallbacks_are_trimmed_and_told_once() -> None:
    wishes = wishes_of({b"x-inferoute-fallback": b" a , b,,a, c "}, 5)
    assert wishes.fallback == ("a", "b", "c")


def test_c26_more_fallbacks_than_allowed_are_refused() -> None:
    with pytest.raises(RequestError) as caught:
        wishes_of({b"x-inferoute-fallback": ",".join(f"m{n}" for n in range(1000)).encode()}, 5)
    assert (caught.value.kind, caught.value.param) == ("invalid_value", "X-Inferoute-Fallback")


@pytest.mark.parametrize("strategy", ["cost", "latency", "availability", "round-robin"])
def test_the_four_strategies_are_understood(strategy: str) -> None:
    assert wishes_of({b"x-inferoute-strategy": strategy.encode()}, 5).strategy == strategy


@pytest.mark.parametrize("strategy", [b"", b"Cost", b"cheapest", b"\xff"])
def test_c25_any_other_strategy_is_refused_with_the_four_named(strategy: bytes) -> None:
    with pytest.raises(RequestError, match="cost, latency, availability, round-robin") as caught:
        wishes_of({b"x-inferoute-strategy": strategy}, 5)
    assert caught.value.kind == "invalid_value"


@pytest.mark.parametrize(
    ("sent", "kept"), [(b"abc-1_X", "abc-1_X"), (b"a b", None), (b"a" * 65, None), (b"", None), (b"a\r\nb", None)]
)
def test_c40_a_callers_request_id_is_kept_only_if_it_is_well_formed(sent: bytes, kept: str | None) -> None:
    assert client_id_of({b"x-request-id": sent}) == kept
