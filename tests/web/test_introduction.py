"""What a head says is worked out once, and says the same whenever it comes again."""

import hashlib
from typing import Any

import pytest

from gateway.web.door import HEADERS
from gateway.web.introduction import INTRODUCTION, introduction


def a_scope(
    *, method: str = "POST", client: tuple[str, int] | None = ("192.0.2.1", 1), **more: bytes
) -> dict[str, Any]:
    headers = {b"host": b"x", b"content-length": b"5"}
    headers |= {name.replace("_", "-").encode(): value for name, value in more.items()}
    return {"method": method, "client": client, HEADERS: headers}


def test_it_is_left_in_the_scope_and_found_there() -> None:
    scope = a_scope(authorization=b"Bearer th-one")
    first = introduction(scope)
    assert scope[INTRODUCTION] is first
    assert introduction(scope) is first


def test_another_length_changes_nothing_it_says() -> None:
    scope = a_scope(authorization=b"Bearer th-one")
    first = introduction(scope)
    scope[HEADERS][b"content-length"] = b"500"
    again = introduction(scope)
    assert again == introduction({name: value for name, value in scope.items() if name != INTRODUCTION})
    assert again is first
    assert again.headers[b"content-length"] == b"500"


@pytest.mark.parametrize(
    ("sent", "token", "digest"),
    [
        ({}, None, None),
        ({"authorization": b"Bearer th-one"}, b"th-one", hashlib.sha256(b"th-one").hexdigest()),
        ({"authorization": b"Basic th-one"}, b"", None),
        ({"authorization": b"Bearer " + b"x" * 513}, b"x" * 513, None),
        ({"x_api_key": b"th-one"}, b"th-one", hashlib.sha256(b"th-one").hexdigest()),
    ],
)
def test_who_calls_is_known_by_the_digest_of_their_token(
    sent: dict[str, Any], token: bytes | None, digest: str | None
) -> None:
    caller = introduction(a_scope(**sent), b"x-api-key").caller
    assert (caller.token, caller.digest, caller.peer) == (token, digest, "192.0.2.1")


def test_wishes_are_told() -> None:
    scope = a_scope(
        x_request_id=b"abc", x_tokenhub_trace=b"1", traceparent=b"00-1", idempotency_key=b"k", content_encoding=b"gzip"
    )
    told = introduction(scope)
    assert (told.caller.client_id, told.wants_trace, told.trace_parent, told.once) == ("abc", True, "00-1", b"k")
    assert told.unread is not None


def test_nothing_is_made_up() -> None:
    told = introduction(a_scope(method="GET", client=None))
    assert (told.method, told.caller.client_id, told.caller.peer) == ("GET", None, "")
    assert (told.wants_trace, told.trace_parent, told.once, told.unread) == (False, None, None, None)
