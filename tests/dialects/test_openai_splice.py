"""Answers that keep their bytes: whatever is not read in full says the same as if it had been."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Seal
from gateway.dialects.chunks import MODEL_CHARS, chunk_head
from gateway.dialects.openai.answer import read_answer, read_in_full
from gateway.dialects.openai.splice import spliced
from gateway.domain.answer import Answer
from gateway.domain.call import Reply

SEAL = Seal(id="chatcmpl-th-01j9", created=1_800_000_000, provider="openai", model="offer-id")
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
PLAIN = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE], "usage": USAGE}


def full(body: bytes, endpoint: str = "chat") -> Any:
    return read_in_full(endpoint, Reply(status=200, headers=(), body=body), SEAL)


def same(one: Answer, other: Answer) -> bool:
    told = [json.loads(msgspec.json.encode(answer.fields)) for answer in (one, other)]
    about = [(answer.usage, answer.model, answer.output_chars) for answer in (one, other)]
    return bool(told[0] == told[1] and about[0] == about[1])


def as_text(value: Any, indent: int | None) -> bytes:
    return json.dumps(value, indent=indent, separators=None if indent else (",", ":")).encode()


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("endpoint", "choice"), [("chat", CHOICE), ("completions", {"index": 0, "text": "x", "finish_reason": "length"})]
)
def test_an_answer_in_openais_words_keeps_its_bytes(endpoint: str, choice: Any, indent: int | None) -> None:
    body = as_text(PLAIN | {"choices": [choice], "service_tier": "default", "x_unknown": {"choices": [1.5]}}, indent)
    answer = spliced(endpoint, body, SEAL)
    assert answer is not None
    assert isinstance(answer.whole, bytes)
    assert answer.whole.endswith(body[body.index(b'"choices"') :])
    assert json.loads(answer.whole)["id"] == SEAL.id
    assert same(answer, full(body, endpoint))


def test_a_value_that_looks_like_choices_is_a_value() -> None:
    body = as_text(PLAIN | {"id": 'x"choices":', "created": '"choices"'}, None)
    answer = spliced("chat", body, SEAL)
    assert answer is not None
    assert same(answer, full(body))


def reordered(*names: str) -> dict[str, Any]:
    return {name: PLAIN[name] for name in names} | PLAIN


IN_FULL: list[tuple[str, Any]] = [
    ("no choices", {"id": "x", "model": "m"}),
    ("empty choices", PLAIN | {"choices": []}),
    ("choices first", reordered("choices")),
    ("usage before the choices", reordered("id", "usage", "model")),
    ("the model after the choices", reordered("id", "choices", "model")),
    ("no model", {name: value for name, value in PLAIN.items() if name != "model"}),
    ("a stranger before the choices", {"provider": "x"} | PLAIN),
    ("an error object", {"object": "error"} | PLAIN | {"object": "error"}),
    ("an error beside the choices", PLAIN | {"error": {"message": "no"}}),
    ("an empty error", PLAIN | {"error": None}),
    ("no usage", PLAIN | {"usage": None}),
    ("a usage nobody believes", PLAIN | {"usage": {"prompt_tokens": -1}}),
    ("usage in other counts", PLAIN | {"usage": {"prompt_tokens": 5, "completion_tokens": 1, "cached_tokens": 3}}),
    ("another finish reason", PLAIN | {"choices": [CHOICE | {"finish_reason": "eos"}]}),
    ("content in parts", PLAIN | {"choices": [CHOICE | {"message": {"content": [{"text": "x"}]}}]}),
    ("choices inside something else", PLAIN | {"id": {"choices": 1}}),
    ("choices in a list", PLAIN | {"id": ["choices"]}),
]


@pytest.mark.parametrize("value", [value for _, value in IN_FULL], ids=[name for name, _ in IN_FULL])
def test_everything_else_isread_in_full(value: Any) -> None:
    assert spliced("chat", as_text(value, None), SEAL) is None


BROKEN = [
    b"",
    b'"choices"',
    b'{"choices"',
    b'["choices":[]]',
    as_text(PLAIN, None)[:-1],
    as_text(PLAIN, None) + b"}",
    as_text(PLAIN, None).replace(b"Hello", b"\xff"),
    b'{"id":1 "model":"m","choices":' + as_text(PLAIN, None).partition(b'"choices":')[2],
    b'{"model":"m","choices":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    b'{"model":' + b"[" * 50_000 + b"]" * 50_000 + b',"choices":1}',
]


@pytest.mark.parametrize("body", BROKEN)
def test_what_cannot_be_read_is_not_passed_on(body: bytes) -> None:
    assert spliced("chat", body, SEAL) is None


def test_a_beginning_that_comes_again_after_the_choices_is_ours_all_the_same() -> None:
    body = as_text(PLAIN, None)[:-1] + b',"model":"other","id":"theirs"}'
    answer = read_answer("chat", Reply(status=200, headers=(), body=body), SEAL)
    assert isinstance(answer, Answer)
    assert isinstance(answer.whole, dict)
    assert (answer.fields["id"], answer.model) == (SEAL.id, "other")


TEXT = st.text(max_size=8)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXT | st.none() | st.integers(),
        "object": st.sampled_from(["chat.completion", "error", "x"]) | st.none(),
        "created": st.integers(0, 2**40) | TEXT,
        "model": TEXT | st.sampled_from(["gpt-4o", "m" * MODEL_CHARS, "m" * (MODEL_CHARS + 1), 'a"b\\']) | st.none(),
        "system_fingerprint": TEXT,
        "error": st.sampled_from([None, {}, {"message": "no"}]),
        "usage": st.none()
        | st.fixed_dictionaries(
            {"prompt_tokens": st.integers(-1, 50)},
            optional={
                "completion_tokens": st.integers(0, 50) | st.none(),
                "total_tokens": st.integers(0, 120),
                "cached_tokens": st.integers(0, 9),
                "prompt_tokens_details": st.none() | st.just({"cached_tokens": 0}) | st.just({"cached_tokens": 2}),
                "completion_tokens_details": st.none() | st.just({"reasoning_tokens": 3}),
            },
        ),
        "choices": st.lists(
            st.fixed_dictionaries(
                {
                    "index": st.integers(0, 1) | st.none(),
                    "message": st.fixed_dictionaries({"content": TEXT | st.none()}, optional={"reasoning": TEXT}),
                    "finish_reason": st.sampled_from(["stop", "length", "eos", "error", None]),
                }
            ),
            max_size=2,
        ),
    },
)


@given(MEMBERS, st.permutations(["id", "object", "created", "model", "choices", "usage"]), st.sampled_from([None, 1]))
@settings(max_examples=100, deadline=None)
def test_what_keeps_its_bytes_says_what_it_says_when_it_isread_in_full(
    some: dict[str, Any], order: list[str], indent: int | None
) -> None:
    for members in (some, PLAIN | some, {name: (PLAIN | some)[name] for name in order} | some):
        body = as_text(members, indent)
        answer = spliced("chat", body, SEAL)
        assert answer is None or same(answer, full(body))


@given(st.text(min_size=1, max_size=20), st.text(max_size=MODEL_CHARS), st.sampled_from(["chat.completion", "x"]))
@settings(max_examples=100, deadline=None)
def test_a_beginning_is_json_whatever_the_names(provider: str, model: str, kind: str) -> None:
    head = chunk_head(Seal(id="chatcmpl-th-1", created=7, provider=provider, model=""), model, kind)
    assert json.loads(head + b'"choices":[]}') == {
        "id": "chatcmpl-th-1", "object": kind, "created": 7, "model": f"{provider}/{model}", "choices": [],
    }  # fmt: skip
