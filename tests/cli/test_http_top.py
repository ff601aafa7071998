"""What every response begins with is kept as long as it holds."""

import pytest

from gateway.cli.http_top import Tops


def test_the_date_of_a_new_second_is_told_by_every_status() -> None:
    tops, one, two = Tops(), [(b"date", b"one")], [(b"date", b"two")]
    assert tops.top(200, one) is tops.top(200, one)
    assert tops.top(404, one) == b"HTTP/1.1 404 Not Found\r\ndate: one\r\n"
    assert tops.top(200, two) == b"HTTP/1.1 200 OK\r\ndate: two\r\n"
    assert tops.top(404, two) == b"HTTP/1.1 404 Not Found\r\ndate: two\r\n"


def test_two_servers_that_take_turns_tell_each_their_own() -> None:
    tops, mine, yours = Tops(), [(b"server", b"mine")], [(b"server", b"yours")]
    for _ in range(3):
        assert tops.top(200, mine).endswith(b"server: mine\r\n")
        assert tops.top(200, yours).endswith(b"server: yours\r\n")


def test_a_server_cannot_say_more_than_its_headers() -> None:
    with pytest.raises(RuntimeError):
        Tops().top(200, [(b"server", b"a\r\nset-cookie: b")])
