"""Idempotency keys: the same request twice is one request."""

import pytest

from gateway.errors import RequestError
from gateway.flow.replay import KEEP_S, Replays, Told

NAME = ("web-app", "/v1/chat/completions", "order-1")


def told(body: bytes = b"{}") -> Told:
    return Told(200, (), body)


def test_the_first_request_goes_on_and_the_second_hears_its_answer() -> None:
    replays = Replays()
    assert replays.begin(NAME, b"body", 0) is None
    replays.finish(NAME, told(b"answer"))
    again = replays.begin(NAME, b"body", 1)
    assert again is not None
    assert again.body == b"answer"


@pytest.mark.parametrize(
    ("finished", "body", "kind", "code"),
    [
        (True, b"other", "invalid_value", "idempotency_mismatch"),
        (False, b"other", "invalid_value", "idempotency_mismatch"),
        (False, b"body", "conflict", "idempotency_in_progress"),
    ],
)
def test_a_second_request_that_cannot_be_answered_hears_why(finished: bool, body: bytes, kind: str, code: str) -> None:
    replays = Replays()
    replays.begin(NAME, b"body", 0)
    if finished:
        replays.finish(NAME, told())
    with pytest.raises(RequestError) as caught:
        replays.begin(NAME, body, 1)
    assert (caught.value.kind, caught.value.code) == (kind, code)


@pytest.mark.parametrize("other", [("x", NAME[1], NAME[2]), (NAME[0], "/v1/chat", NAME[2]), (NAME[0], NAME[1], "y")])
def test_another_account_route_or_key_is_another_request(other: tuple[str, str, str]) -> None:
    replays = Replays()
    replays.begin(NAME, b"body", 0)
    replays.finish(NAME, told())
    assert replays.begin(other, b"body", 1) is None


def test_a_request_that_failed_may_be_sent_again() -> None:
    replays = Replays()
    replays.begin(NAME, b"body", 0)
    replays.abandon(NAME)
    assert replays.begin(NAME, b"body", 1) is None


def test_answers_are_forgotten_after_a_day() -> None:
    replays = Replays()
    replays.begin(NAME, b"body", 0)
    replays.finish(NAME, told())
    assert replays.begin(NAME, b"other", KEEP_S + 1) is None


def test_memory_is_bounded_and_the_oldest_answers_go_first() -> None:
    replays = Replays(max_bytes=100)
    for number in range(10):
        name = ("web-app", "/v1/chat", str(number))
        replays.begin(name, b"body", number)
        replays.finish(name, told(b"x" * 40))
    assert replays.begin(("web-app", "/v1/chat", "0"), b"body", 20) is None
    assert replays.begin(("web-app", "/v1/chat", "9"), b"body", 20) is not None


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_a_sensible_length(key: str) -> None:
    with pytest.raises(RequestError):
        Replays().begin(("web-app", "/v1/chat", key), b"", 0)
