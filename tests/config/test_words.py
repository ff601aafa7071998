"""Durations, sizes, dates, references."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.references import fill, filled, is_inline, malformed, references
from gateway.config.say import fits
from gateway.config.shape.words import WORDS, midnight, seconds, size_in_bytes

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
SIZES = {"B": 1, "KB": 10**3, "KiB": 2**10, "MB": 10**6, "MiB": 2**20, "GB": 10**9, "GiB": 2**30}


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)))
@settings(max_examples=100, deadline=None)
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    text = f"{number}{unit}"
    assert fits(WORDS["duration"], text)
    assert seconds(text) == pytest.approx(number * UNITS[unit])


@given(st.integers(0, 10**4), st.sampled_from(sorted(SIZES)))
@settings(max_examples=100, deadline=None)
def test_a_size_is_its_number_times_its_unit(number: int, unit: str) -> None:
    text = f"{number}{unit}"
    assert fits(WORDS["size"], text)
    assert size_in_bytes(text) == number * SIZES[unit]


@given(st.text(max_size=12))
@settings(max_examples=100, deadline=None)
def test_what_fits_can_be_read(text: str) -> None:
    if fits(WORDS["duration"], text):
        assert seconds(text) >= 0
    if fits(WORDS["size"], text):
        assert size_in_bytes(text) >= 0


def test_exact_values() -> None:
    assert seconds("250ms") == 0.25
    assert seconds("1.5h") == 5400
    assert size_in_bytes("10MiB") == 10 * 1024 * 1024
    assert size_in_bytes("0.5KiB") == 512
    assert midnight("1970-01-02") == 86400


@given(st.text(string.ascii_letters + "${}:-/ ", max_size=30))
@settings(max_examples=100, deadline=None)
def test_filling_in_a_text_without_values_changes_nothing(text: str) -> None:
    assert fill(text, {}) == text


def test_references_are_found_and_filled_in_place() -> None:
    text = "redis://${env:HOST}:${env:PORT:-6379}/${file:/run/db}"
    assert [(one.source, one.name, one.default) for one in references(text)] == [
        ("env", "HOST", None),
        ("env", "PORT", "6379"),
        ("file", "/run/db", None),
    ]
    values = {"${env:HOST}": "h", "${env:PORT:-6379}": "1", "${file:/run/db}": "0"}
    assert fill(text, values) == "redis://h:1/0"
    assert filled(text, {"${env:HOST}": "h"}) is None


def test_a_value_that_looks_like_a_reference_is_not_looked_up_again() -> None:
    assert fill("${env:A}", {"${env:A}": "${env:B}", "${env:B}": "secret"}) == "${env:B}"
    assert filled("${env:A}", {"${env:A}": "${env:B}"}) == "${env:B}"


@pytest.mark.parametrize(
    "text", ["${A}", "${env:}", "${env:A", "${ env:A}", "${env:A:?x}", "${file:}", "x ${", "${env:1A}"]
)
def test_what_is_no_reference_is_malformed(text: str) -> None:
    assert malformed(text) is not None


@pytest.mark.parametrize(
    ("text", "inline"),
    [("sk-x", True), ("${env:A}", False), ("Bearer ${env:A}", False), ("${env:A:-x}", True), ("", False)],
)
def test_a_credential_is_inline_when_it_or_its_default_is_written_out(text: str, inline: bool) -> None:
    assert is_inline(text) is inline
