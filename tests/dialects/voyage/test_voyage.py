"""Voyage's embeddings."""

import json
from types import MappingProxyType
from typing import Any

import pytest

from gateway.dialects.base import Seal
from gateway.dialects.voyage import Voyage
from gateway.domain.answer import Answer, Usage
from gateway.domain.ask import Ask
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from gateway.secret import Secret
from tests.builders import a_provider, an_ask, an_offer

VOYAGE = Voyage()
PLACE = a_provider("voyage", base_url="https://api.voyageai.com/v1")
SEAL = Seal(id="x", created=7, provider="voyage", model="voyage-4")


def asked(**payload: Any) -> Ask:
    return an_ask(endpoint="embeddings", payload={"model": "m", **payload})


@pytest.mark.parametrize(
    ("payload", "options", "expected"),
    [
        ({"input": "a"}, {}, {"input": "a"}),
        (
            {"input": ["a"], "encoding_format": "float"},
            {"input_type": "document"},
            {"input": ["a"], "input_type": "document"},
        ),
        (
            {"input": ["a"], "dimensions": 256, "encoding_format": "base64", "input_type": "query"},
            {"input_type": "document"},
            {"input": ["a"], "input_type": "query", "output_dimension": 256, "encoding_format": "base64"},
        ),
    ],
)
def test_embeddings_are_asked_for(payload: dict[str, Any], options: dict[str, str], expected: dict[str, Any]) -> None:
    place = a_provider(
        "voyage",
        base_url="https://api.voyageai.com/v1/",
        options=MappingProxyType({name: Secret(value) for name, value in options.items()}),
    )
    call = VOYAGE.request(asked(**payload), an_offer("voyage-4", "voyage"), place)
    assert call.url == "https://api.voyageai.com/v1/embeddings"
    assert json.loads(call.body) == {"model": "voyage-4", "truncation": False, **expected}
    assert VOYAGE.unsayable(asked(**payload), place) == ()


@pytest.mark.parametrize("given", [[1, 2], ["x"] * 1001])
def test_what_cannot_be_embedded_is_refused_by_name(given: Any) -> None:
    assert VOYAGE.unsayable(asked(input=given), PLACE) == ("input",)
    assert VOYAGE.unsayable(asked(input="a", user="u"), PLACE) == ("user",)
    assert VOYAGE.unsayable(an_ask(), PLACE) == ("messages",)


def answer(ask: Ask, fields: Any, status: int = 200) -> Answer | Failure:
    return VOYAGE.answer(ask, Reply(status=status, headers=(), body=json.dumps(fields).encode()), SEAL)


def test_rows_are_put_in_order_and_usage_is_told() -> None:
    rows = [{"embedding": [2.0], "index": 1}, {"embedding": [1.0], "index": 0}]
    got = answer(asked(input=["a", "b"]), {"data": rows, "model": "voyage-4-x", "usage": {"total_tokens": 9}})
    assert isinstance(got, Answer)
    assert [row["embedding"] for row in got.fields["data"]] == [[1.0], [2.0]]
    assert got.usage == Usage(input_tokens=9)
    assert got.fields["model"] == "voyage/voyage-4-x"


def test_base64_stays_as_it_is() -> None:
    got = answer(asked(input="a", encoding_format="base64"), {"data": [{"embedding": "AAAAPwAAgL8=", "index": 0}]})
    assert isinstance(got, Answer)
    assert got.fields["data"][0]["embedding"] == "AAAAPwAAgL8="
    assert got.usage is None


@pytest.mark.parametrize(
    "fields", [None, {}, {"data": []}, {"data": [3]}, {"data": [{"embedding": [1.0]}, {"embedding": [2.0]}]}]
)
def test_b16_an_answer_that_does_not_fit_is_garbled(fields: Any) -> None:
    failure = answer(asked(input="a"), fields)
    assert isinstance(failure, Failure)
    assert failure.kind == "garbled"


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        (400, "Your request has too many input tokens.", "context_overflow"),
        (400, "Argument 'input' is empty.", "bad_request"),
        (401, "Provided API key is invalid.", "refused"),
        (429, "You have exceeded your rate limit.", "rate_limited"),
        (500, "", "transient"),
    ],
)
def test_a_complaint_is_understood(status: int, detail: str, kind: str) -> None:
    failure = answer(asked(input="a"), {"detail": detail}, status)
    assert isinstance(failure, Failure)
    assert failure.kind == kind


def test_a_stream_is_not_what_was_asked_for() -> None:
    (failure,) = VOYAGE.reader(asked(input="a"), SEAL).feed(b"data: {}\n\n")
    assert isinstance(failure, Failure)


def test_a_key_is_a_bearer() -> None:
    place = a_provider("voyage", api_key=Secret("pa-1"))
    assert dict(VOYAGE.request(asked(input="a"), an_offer(), place).headers)["authorization"] == "Bearer pa-1"
