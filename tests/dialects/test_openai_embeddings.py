"""Whole embeddings replies of hosts that speak OpenAI's dialect."""

import math
from base64 import b64encode
from struct import pack
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Seal
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer, Usage
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from tests.builders import an_ask

SEAL = Seal(id="embd-th-x", created=1, provider="openai", model="offer-id")


def read(data: Any, **fields: Any) -> Answer | Failure:
    value = {"object": "list", "data": data, "model": "emb", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    body = data if isinstance(data, bytes) else msgspec.json.encode(value)
    ask = an_ask(endpoint="embeddings", payload={"model": "m", **({"input": "a"} | fields)})
    return dialect_of("openai").answer(ask, Reply(status=200, headers=(), body=body), SEAL)


def row(embedding: Any, index: int | None = 0) -> dict[str, Any]:
    return {"object": "embedding", "embedding": embedding} | ({} if index is None else {"index": index})


def packed(*numbers: float) -> str:
    return b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()


def vectors(answer: Answer | Failure) -> list[Any]:
    assert isinstance(answer, Answer)
    data = msgspec.json.decode(msgspec.json.encode(answer.fields))["data"]
    assert [each["index"] for each in data] == list(range(len(data)))
    assert {each["object"] for each in data} == {"embedding"}
    return [each["embedding"] for each in data]


def test_what_fits_passes_with_our_name_for_the_model() -> None:
    answer = read([row([0.1, 0.2])])
    assert isinstance(answer, Answer)
    assert isinstance(answer.fields["data"], msgspec.Raw)
    assert answer.fields["model"] == "openai/emb"
    assert "id" not in answer.fields
    assert answer.usage == Usage(input_tokens=4)


def test_base64_is_made_where_the_host_sent_numbers_and_the_other_way_round() -> None:
    assert vectors(read([row([0.5, -1])], encoding_format="base64")) == [packed(0.5, -1)]
    assert vectors(read([row(packed(0.5, -1))])) == [[0.5, -1.0]]
    assert vectors(read([row(packed(0.5))], encoding_format="base64")) == [packed(0.5)]


def test_missing_indexes_are_filled_in() -> None:
    assert vectors(read([row([1.0], None), row([2.0], None)], input=["a", "b"])) == [[1.0], [2.0]]


COUNTS = [("a", 1), (["a"], 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1], [2, 3]], 2)]


@pytest.mark.parametrize(("given_input", "count"), COUNTS)
def test_b16_there_are_as_many_vectors_as_inputs(given_input: Any, count: int) -> None:
    rows = [row([1.0], index) for index in range(count)]
    assert len(vectors(read(rows, input=given_input))) == count
    for wrong in (rows[1:], [*rows, row([1.0], count)]):
        failure = read(wrong, input=given_input)
        assert isinstance(failure, Failure)
        assert failure.kind == "garbled"


WRONG: list[tuple[str, Any, dict[str, Any]]] = [
    ("order", [row([1.0], 1), row([2.0], 0)], {"input": ["a", "b"]}),
    ("sizes", [row([1.0], 0), row([1.0, 2.0], 1)], {"input": ["a", "b"]}),
    ("empty", [row([])], {}),
    ("null inside", [row([1.0, None])], {}),
    ("text inside", [row(["1.0"])], {}),
    ("nan in base64", [row(packed(1.0, math.nan))], {"encoding_format": "base64"}),
    ("inf in base64", [row(packed(math.inf))], {}),
    ("broken base64", [row("%%%")], {}),
    ("cut base64", [row(packed(1.0)[:5])], {"encoding_format": "base64"}),
    ("nan", b'{"data":[{"object":"embedding","index":0,"embedding":[NaN]}]}', {}),
    ("dimensions", [row([1.0, 2.0])], {"dimensions": 3}),
    ("no data", b'{"object":"list"}', {}),
    ("not json", b"<html>", {}),
    ("not an object", b"[]", {}),
]


@pytest.mark.parametrize(("data", "fields"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_b16_vectors_that_are_wrong_are_garbled(data: Any, fields: dict[str, Any]) -> None:
    failure = read(data, **fields)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code) == ("garbled", "malformed_response")


def test_usage_may_be_a_total_or_missing() -> None:
    total = read(b'{"data":[{"object":"embedding","index":0,"embedding":[1]}],"usage":{"total_tokens":7}}')
    none = read(b'{"data":[{"object":"embedding","index":0,"embedding":[1]}]}')
    assert isinstance(total, Answer)
    assert isinstance(none, Answer)
    assert total.usage == Usage(input_tokens=7)
    assert none.usage is None
    assert none.fields["model"] == "openai/offer-id"


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_there_and_back_loses_nothing(numbers: list[float]) -> None:
    text = vectors(read([row(numbers)], encoding_format="base64"))[0]
    assert vectors(read([row(text)]))[0] == numbers
