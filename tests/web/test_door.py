"""The door: what is turned away before any routing."""

import asyncio
from typing import Any

import pytest
from msgspec import structs

from gateway.domain.snapshot import Snapshot
from gateway.errors import RequestError
from gateway.state.live import Live
from gateway.web.door import LANE, Door, check_target, read_headers
from tests.builders import a_snapshot

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


class Beyond:
    """What stands behind the door: keeps the scopes that come."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def __call__(self, scope: Any, *_: Any) -> None:
        self.seen.append(scope)


def behind_proxies(*trusted: str) -> Snapshot:
    snapshot = a_snapshot()
    return structs.replace(snapshot, server=structs.replace(snapshot.server, trusted_proxies=trusted))


def through(door: Door, scope: dict[str, Any]) -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody reads or writes here")

    asyncio.run(door(scope, nothing, nothing))  # type: ignore[arg-type]


def a_scope(path: str = "/lane") -> dict[str, Any]:
    pairs = [HOST, (b"x-forwarded-for", b"192.0.2.7")]
    target = {"path": path, "raw_path": path.encode(), "query_string": b""}
    return {"type": "http", "headers": pairs, "client": ("127.0.0.1", 1), **target}


def test_a_head_that_was_looked_at_passes_at_once_when_it_comes_again() -> None:
    lane, app, refused = Beyond(), Beyond(), Beyond()
    door = Door(app, {"/lane": lane}, refused, Live(behind_proxies()))
    scope = a_scope()
    through(door, scope)
    scope["headers"] = []  # nobody looks again
    through(door, scope)
    assert (len(lane.seen), app.seen, refused.seen) == (2, [], [])
    assert lane.seen[1] is scope


def test_only_what_goes_straight_to_its_handler_may_come_again() -> None:
    lane, app = Beyond(), Beyond()
    door = Door(app, {"/lane": lane}, Beyond(), Live(behind_proxies()))
    scope = a_scope("/elsewhere")
    through(door, scope)
    assert LANE not in scope
    assert app.seen == [scope]


def test_who_stands_behind_a_trusted_proxy_is_looked_for_each_time() -> None:
    lane = Beyond()
    live = Live(behind_proxies("127.0.0.1"))
    door = Door(Beyond(), {"/lane": lane}, Beyond(), live)
    scope = a_scope()
    through(door, scope)
    assert LANE not in scope
    assert scope["client"][0] == "192.0.2.7"


def test_a_proxy_that_is_trusted_from_now_on_is_seen_through_at_once_and_no_longer_when_it_is_not() -> None:
    lane = Beyond()
    live = Live(behind_proxies())
    door = Door(Beyond(), {"/lane": lane}, Beyond(), live)
    scope = a_scope()
    for trusted in ((), ("127.0.0.1",), ()):
        live.swap(behind_proxies(*trusted))
        through(door, scope)
    assert [seen["client"][0] for seen in lane.seen] == ["127.0.0.1", "192.0.2.7", "127.0.0.1"]
