"""Thoughts are taken out: whole, in pieces, in linear time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.output.think import ThinkStripper, strip_think

CASES = [
    ("plain", "plain"),
    ("<think>a</think>b", "b"),
    ("<think>a</think>\n\n b ", "b "),
    ("x <think>a</think> y", "x  y"),
    ("<THINK>a</Think>b", "b"),
    ("<think>a<think>b</think>c</think>d", "d"),
    ("a<think>never closed", "a"),
    ("thought</think>answer", "thoughtanswer"),
    ("<think></think>", ""),
    ("<think>a</think><think>b</think>c", "c"),
    ("a < b <thin k> <think", "a < b <thin k> <think"),
    ("<think foo>a</think>", "<think foo>a"),
    ("<thinking>a</thinking>", "<thinking>a</thinking>"),
    ("<<think>a</think>b", "<b"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_thoughts_are_taken_out(text: str, expected: str) -> None:
    assert strip_think(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_e29_every_cut_gives_the_same_text(text: str, expected: str) -> None:
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            stripper = ThinkStripper()
            pieces = (text[:first], text[first:second], text[second:])
            assert "".join(map(stripper.feed, pieces)) + stripper.end() == expected


def test_only_the_possible_start_of_a_tag_is_held_back() -> None:
    stripper = ThinkStripper()
    assert stripper.feed("Hello <") == "Hello "
    assert stripper.feed("b") == "<b"
    assert stripper.feed("</thin") == ""
    assert stripper.end() == "</thin"


PIECES = st.lists(st.sampled_from(["<think>", "</think>", "<THINK>", "<", "</", "think>", "a", " ", "\n", "<th"]))


@settings(max_examples=100, deadline=None)
@given(PIECES, st.integers(1, 9))
def test_a_stream_says_what_the_whole_says(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    stripper = ThinkStripper()
    said = "".join(stripper.feed(text[at : at + size]) for at in range(0, len(text), size)) + stripper.end()
    assert said == strip_think(text)


@pytest.mark.parametrize("unit", ["<think>", "</think>", "<think></think>", "<", "<thin", "<think>a"])
def test_c42_work_grows_with_the_text_only(unit: str) -> None:
    """A hundred thousand characters of tags are done within the patience of a test, whole and in pieces."""
    text = unit * (100_000 // len(unit))
    stripper = ThinkStripper()
    assert "".join(stripper.feed(text[at : at + 7]) for at in range(0, len(text), 7)) + stripper.end() == strip_think(
        text
    )
