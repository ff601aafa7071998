"""Names for requests: in the order of time, and never the same one twice."""

import os
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ulid import ALPHABET, is_ulid, new_ulid, ulid_of

UNIX = 1_798_700_000.0
TIMES = st.floats(0, 4e9)


@given(st.lists(TIMES, min_size=2, max_size=20))
@settings(max_examples=60, deadline=None)
def test_they_sort_as_the_milliseconds_do(times: list[float]) -> None:
    names = [new_ulid(unix) for unix in times]
    assert all(map(is_ulid, names))
    assert [int(unix * 1000) for _, unix in sorted(zip(names, times, strict=True))] == sorted(
        int(unix * 1000) for unix in times
    )


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**80 - 1))
@settings(max_examples=60, deadline=None)
def test_every_bit_is_in_the_name(ms: int, chance: int) -> None:
    bits = 0
    for letter in ulid_of(ms, chance):
        bits = bits << 5 | ALPHABET.index(letter)
    assert bits == ms << 80 | chance


def test_a_clock_that_stands_still_makes_no_name_twice_and_no_thread_makes_that_of_another() -> None:
    def many(_: int) -> list[str]:
        return [new_ulid(UNIX) for _ in range(5000)]

    with ThreadPoolExecutor(4) as threads:
        names = [name for some in threads.map(many, range(4)) for name in some]
    assert len(set(names)) == 20_000


def test_a_child_makes_other_names_than_its_parent() -> None:
    new_ulid(UNIX)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_ulid(UNIX).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)
    assert is_ulid(theirs)
    assert theirs[:-2] != new_ulid(UNIX)[:-2]
