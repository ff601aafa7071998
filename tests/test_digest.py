"""SHA-256 is SHA-256, whoever works it out."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.digest import hex_sha256, own_sha256


@given(st.binary(max_size=600))
@settings(max_examples=60, deadline=None)
def test_it_is_that_of_hashlib(data: bytes) -> None:
    assert hex_sha256(data) == hashlib.sha256(data).hexdigest()


def test_an_interpreter_without_its_own_has_that_of_openssl() -> None:
    assert own_sha256(("_sha_nobody_has",)) is hashlib.sha256
    assert own_sha256()(b"th-x").hexdigest() == hashlib.sha256(b"th-x").hexdigest()
