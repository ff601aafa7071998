"""What a provider's complaint means: kinds, waits, and words that may be shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.failures import Complaint, clean, judge, retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
LATER = "Wed, 21 Oct 2026 07:28:20 GMT"
PAST = "Wed, 21 Oct 2026 07:20:00 GMT"

WAITS = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "1.5"}, 1.5),
    ({"retry-after": "3600"}, 60.0),
    ({"retry-after": "1e9"}, 60.0),
    ({"retry-after": "-5"}, 0.0),
    ({"retry-after": "NaN"}, None),
    ({"retry-after": "inf"}, None),
    ({"retry-after": "soon"}, None),
    ({"retry-after": ""}, None),
    ({"retry-after": LATER, "date": DATE}, 20.0),
    ({"retry-after": PAST, "date": DATE}, 0.0),
    ({"retry-after": LATER}, None),
    ({"retry-after": LATER, "date": "yesterday"}, None),
    ({"retry-after-ms": "1500"}, 1.5),
    ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
    ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 60.0),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30.5s"}, 60.0),
    ({"x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "20s"}, None),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "12"}, 12.0),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000000"}, None),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1s later"}, None),
]


@pytest.mark.parametrize(("headers", "wait"), WAITS)
def test_s13_a_wait_is_clamped_or_ignored(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(tuple(headers.items())) == wait


SCRUBBED = [
    ("Incorrect API key provided: sk-proj-abcd****wxyz.", "sk-proj"),
    ("Rate limit reached for gpt-4o in organization org-Abc123Def on tokens", "org-Abc123Def"),
    ("Bearer abc.def.ghi is not valid", "abc.def"),
    ("see https://internal.example/secret?x=1 for more", "internal.example"),
    ("key AIzaSyD-abcdefghijk is not valid", "AIzaSy"),
    ("token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi", "eyJ"),
    ("xai-AbCdEf123456 has no access", "xai-AbC"),
    ("gsk_abcdefghijk is unknown", "gsk_abc"),
    ("project proj_abc123 is over", "proj_abc123"),
    ("digest 0123456789abcdef0123456789abcdef01 failed", "0123456789abcdef"),
]


@pytest.mark.parametrize(("message", "secret"), SCRUBBED)
def test_s23_keys_accounts_and_addresses_are_not_repeated(message: str, secret: str) -> None:
    assert secret not in clean(message)
    assert "[…]" in clean(message)


def test_a_message_is_one_short_printable_line() -> None:
    assert clean("a\r\nb\tc") == "a b c"
    assert clean("red \x1b[31m alert\x00") == "red \\x1b[31m alert\\x00"
    assert len(clean("word " * 5000)) == 300
    assert clean(None) == clean({"a": 1}) == ""
    assert clean("Größe 你好") == "Größe 你好"


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=500))
def test_no_text_makes_a_message_that_breaks_a_log(text: str) -> None:
    said = clean(text)
    assert len(said) <= 300
    assert said.isprintable()


@settings(max_examples=100, deadline=None)
@given(
    status=st.integers(-1, 1200),
    headers=st.lists(st.tuples(st.sampled_from(["retry-after", "date", "retry-after-ms"]), st.text(max_size=40))),
    words=st.tuples(st.text(max_size=80), st.text(max_size=30), st.text(max_size=30)),
)
def test_whatever_is_complained_the_verdict_is_a_failure(
    status: int, headers: list[tuple[str, str]], words: tuple[str, str, str]
) -> None:
    failure = judge(status, tuple(headers), Complaint(message=words[0], code=words[1], type=words[2]))
    assert failure.message
    assert failure.retry_after_s is None or 0 <= failure.retry_after_s <= 60
