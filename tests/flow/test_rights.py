"""Who is let in, and that finding out is the same work for everybody."""

import hashlib
from typing import Any

import pytest

from gateway.domain.key import Key
from gateway.flow import enter
from gateway.flow.enter import find_key
from gateway.flow.rights import opens
from tests.builders import a_snapshot

EXPIRES = 1_800_000_000.0


def a_key(**more: Any) -> Key:
    given: dict[str, Any] = {"name": "web-app", "digests": (hashlib.sha256(b"th-known").hexdigest(),)}
    return Key(**(given | {"scopes": frozenset()} | more))


@pytest.mark.parametrize(
    ("key", "unix", "expected"),
    [
        (a_key(), EXPIRES, True),
        (a_key(enabled=False), EXPIRES, False),
        (a_key(expires_unix=EXPIRES), EXPIRES - 0.001, True),
        (a_key(expires_unix=EXPIRES), EXPIRES, False),
        (a_key(expires_unix=EXPIRES), EXPIRES + 1, False),
    ],
    ids=["open", "off", "the last moment", "the first moment after", "later"],
)
def test_z08_a_key_ends_with_the_first_second_of_its_day(key: Key, unix: float, expected: bool) -> None:
    assert opens(key, unix) is expected


@pytest.mark.parametrize(
    "token",
    [b"th-known", b"th-unknown", b"' OR '1'='1", b"th-known'; DROP TABLE usage; --", bytes(range(256)), b"x" * 512],
    ids=["known", "unknown", "sql", "more sql", "binary", "long"],
)
def test_a06_a20_every_key_costs_one_digest_and_one_look(monkeypatch: pytest.MonkeyPatch, token: bytes) -> None:
    snapshot = a_snapshot(keys=[a_key()])
    digests: list[bytes] = []

    def noted(data: bytes) -> str:
        digests.append(data)
        return hashlib.sha256(data).hexdigest()

    monkeypatch.setattr(enter, "hex_sha256", noted)
    found = find_key(snapshot, token, EXPIRES)
    assert digests == [token]
    assert (found is not None) is (token == b"th-known")


@pytest.mark.parametrize("token", [b"", b"x" * 513, b"x" * 1_000_000], ids=len)
def test_a05_what_cannot_be_a_key_is_not_even_hashed(monkeypatch: pytest.MonkeyPatch, token: bytes) -> None:
    monkeypatch.setattr(enter, "hex_sha256", lambda _: pytest.fail("it was hashed"))
    assert find_key(a_snapshot(), token, EXPIRES) is None
