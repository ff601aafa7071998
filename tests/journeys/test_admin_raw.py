"""The admin API under hostile bytes, over a raw socket: whatever is asked, it is answered or refused, never a 5xx."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import ADMIN, Serving, a_config, serving
from tests.stores.postgres_server import a_postgres
from tests.wire import Wire

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}

VALUES = (
    "", "%00", "a%00b", "%FF", "%C3%28", "%ED%A0%80", "%EF%BF%BF", "%F0%9F%98%80", "%F4%90%80%80", "%C2%B2", "%D9%A3",
    "9" * 30, "9" * 400, "9" * 5000, "-1", "0", "1e3", "1e400", "nan", "inf", "-inf", ".", "..", "1.", "253402300799",
    "253402300800", "99999999999999999999", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00%2B23:59", "1969-12-31", "20270131", "2027-W01-1", "2027-13-01", "%25", "%", "%2", "%zz",
    "%u0041", "+", "%0d%0aX:%20y", "null", "[]", "'--", "x" * 3000, "CSV", "csv", "key,,key", "day,model,provider,key",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav", "req-01arz3ndektsv4rrffq69g5fav", "z" * 26,
)  # fmt: skip
NAMES = ("limit", "before", "from", "to", "key", "model", "provider", "outcome", "what", "format", "group_by", "%00")
QUERIES = (
    "?", "&&&&", "=", "a=b=c", "limit", "limit=", "from&to", "limit=1&limit=x", "limit=x&limit=1", "key[]=1",
    "key=" + "%41" * 3000, "&".join(f"a{number}=1" for number in range(2000)),
)  # fmt: skip
PAGES = ("usage", "requests", "audit")
LISTINGS = ("status", "keys", "providers", "models", "routes", "arms", "config/history", "wildcard-models", "canary")

BODIES = (
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"[null]", b"[1]", b"[[]]", b'[{"model_id":null}]', b'[{"model_id":{}}]',
    b'["a\\u0000b"]', b'["\\ud800"]', b'["\\udfff\\ud800"]', b'["' + b"x" * 100_000 + b'"]', b'["\xff"]', b"\xff\xfe",
    b"[" * 100_000, b'{"a":' * 50_000, b"[9" + b"9" * 5000 + b"]", b"[1e999]", b'["a"]\x00', b'\xef\xbb\xbf["gpt-4o"]',
    b'{"models":["a"],"models":["b"]}', b'["gpt-4o","gpt-4o "]', b'["\\u00a0"]',
    *(b'{"models":["a"],"expires_in":%s}' % said for said in (
        b"1", b'""', b'"1e400s"', b'"' + b"9" * 400 + b'h"', b'"' + b"9" * 5000 + b'h"', b'"-1h"', b'"0s"', b"null",
        b"[]", b"true", b'"\xc2\xb2h"', b'"99999999999999h"',
    )),
)  # fmt: skip
NOBODY = ("%00", "%FF", "..", "%2e%2e", "a%2fb", "p1%00", "%F0%9F%98%80", "x" * 3000, "%0d%0a", "p1;x", "%ED%A0%80", "")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "X")
HEADERS = (
    b"Accept: application/xml", b"Accept-Encoding: x", b"Cookie: \xff\xfe=1", b"Content-Type: \xff",
    b"X-Forwarded-For: \xff", b"User-Agent: \x80", b"traceparent: zz", b"X-Request-Id: \xff", b"Content-Encoding: gzip",
    b"Range: bytes=0-1", b"If-None-Match: *", b"Expect: 200-ok",
)  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def gateway(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """With a row of each kind in its ledger."""
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(Wire())
        postgres = stack.enter_context(a_postgres()) if request.param == "postgresql" else None
        more = "" if postgres is None else f"ledger: '{postgres.url}'\n"
        one = stack.enter_context(serving(a_config(wire.url, more=more), tmp_path_factory.mktemp("raw")))
        with one.client() as caller, one.client(ADMIN) as admin:
            assert caller.post("/v1/chat/completions", json=ASK).is_success
            assert admin.post("/admin/v1/providers/p1/enable").is_success
        while one.gateway.ledger.lag:
            pass
        yield one


def answered(
    gateway: Serving, method: str, target: str, body: bytes = b"", *, header: bytes = b"X: y", key: str = ADMIN
) -> int:
    """The status; a connection that ends without one fails the test."""
    lines = [f"{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close".encode()]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(b"Content-Type: application/json\r\nContent-Length: %d" % len(body))
    sent = b"\r\n".join([*lines, header]) + b"\r\n\r\n" + body
    host, port = gateway.url.removeprefix("http://").split(":")
    got = b""
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        sock.sendall(sent)
        while data := sock.recv(65536):
            got += data
    assert got.startswith(b"HTTP/1.1 "), (method, target[:200], got[:200])
    assert b"internal_error" not in got, (method, target[:200])
    return int(got[9:12])


def fine(status: int) -> bool:
    return 200 <= status < 500


@pytest.mark.parametrize("page", PAGES)
def test_no_question_to_the_ledger_is_too_strange_to_be_answered_or_refused(gateway: Serving, page: str) -> None:
    for name in NAMES:
        for value in VALUES:
            status = answered(gateway, "GET", f"/admin/v1/{page}?{name}={value}")
            assert status in (200, 422, 431), (name, value[:60], status)
    for query in QUERIES:
        assert fine(answered(gateway, "GET", f"/admin/v1/{page}?{query}")), query[:60]


def test_listings_do_not_mind_what_they_are_asked(gateway: Serving) -> None:
    for page in LISTINGS:
        for value in VALUES[:12]:
            assert answered(gateway, "GET", f"/admin/v1/{page}?key={value}&{value}={value}") == 200, (page, value)


def test_no_body_of_a_ladder_is_too_strange_to_be_taken_or_refused(gateway: Serving) -> None:
    for body in BODIES:
        assert fine(answered(gateway, "PUT", "/admin/v1/wildcard-models", body)), body[:60]
        for page in ("wildcard-models", "status", "audit", "routes"):
            assert answered(gateway, "GET", f"/admin/v1/{page}") == 200, (page, body[:60])
    assert answered(gateway, "DELETE", "/admin/v1/wildcard-models") == 200


def test_no_name_and_no_method_is_too_strange_to_be_refused(gateway: Serving) -> None:
    for name in NOBODY:
        for verb in ("enable", "disable"):
            assert fine(answered(gateway, "POST", f"/admin/v1/providers/{name}/{verb}")), name[:60]
    for method in METHODS:
        for page in (*PAGES, *LISTINGS, "reload", "providers/nobody/enable"):
            assert fine(answered(gateway, method, f"/admin/v1/{page}")), (method, page)
    for header in HEADERS:
        for page in (*PAGES, "status"):
            assert fine(answered(gateway, "GET", f"/admin/v1/{page}", header=header)), header
        assert fine(answered(gateway, "PUT", "/admin/v1/wildcard-models", b'["gpt-4o"]', header=header)), header


def test_who_may_not_come_in_learns_nothing_from_strange_questions(gateway: Serving) -> None:
    for value in VALUES:
        for page in PAGES:
            assert answered(gateway, "GET", f"/admin/v1/{page}?limit={value}&{value}", key="nobody") in (401, 429, 431)
