"""Shapes are asked for natively or in words, and asked for again."""

from typing import Any

import pytest

from gateway.domain.ask import OutputContract
from gateway.output.asking import instruction, is_strict, native_response_format, repaired, with_contract
from gateway.output.validator import Mismatch

STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
LOOSE = {"type": "object", "properties": {"a": {}}}
HI = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (OutputContract(type="json"), {"type": "json_object"}),
        (OutputContract(type="json", schema=True), {"type": "json_object"}),
        (
            OutputContract(schema=STRICT),
            {"type": "json_schema", "json_schema": {"name": "output", "schema": STRICT, "strict": True}},
        ),
        (
            OutputContract(type="json", schema=LOOSE),
            {"type": "json_schema", "json_schema": {"name": "output", "schema": LOOSE}},
        ),
        (OutputContract(schema={"type": "array"}), None),
        (OutputContract(schema=False), None),
        (OutputContract(type="xml"), None),
        (OutputContract(), None),
    ],
)
def test_structured_output_is_asked_for_in_openai_words(contract: OutputContract, expected: Any) -> None:
    assert native_response_format(contract) == expected


def test_strict_means_closed_and_complete_all_the_way_down() -> None:
    assert is_strict(STRICT)
    assert is_strict({"type": "array", "items": STRICT})
    assert not is_strict({**STRICT, "properties": {"a": LOOSE}})
    assert not is_strict({"anyOf": [STRICT, LOOSE]})
    assert is_strict({"enum": [LOOSE]})


def test_what_cannot_be_asked_natively_is_asked_in_words() -> None:
    contract = OutputContract(schema={"type": "array"})
    asked = with_contract({"messages": [HI]}, contract, native=True)
    assert "response_format" not in asked
    assert asked["messages"][1:] == [HI]
    assert asked["messages"][0]["role"] == "system"
    assert '{"type":"array"}' in asked["messages"][0]["content"]


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ({"role": "system", "content": "Be brief."}, "Be brief.\n\nAnswer in Markdown."),
        (
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Answer in Markdown."}],
        ),
    ],
)
def test_words_join_the_system_message_that_is_there(system: dict[str, Any], expected: Any) -> None:
    payload = {"messages": [system, HI]}
    asked = with_contract(payload, OutputContract(type="markdown"), native=False)
    assert asked["messages"] == [{**system, "content": expected}, HI]
    assert payload["messages"][0] == system


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"max_tokens": 500}),
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 900}, {"max_tokens": 500}),
        ({"max_completion_tokens": 900}, {"max_completion_tokens": 500}),
    ],
)
def test_the_smaller_limit_is_asked_for(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert with_contract(given, OutputContract(max_tokens=500), native=True) == expected


def test_every_type_has_its_words_and_nothing_has_none() -> None:
    assert instruction(OutputContract()) is None
    for kind in ("json", "xml", "markdown", "text"):
        assert instruction(OutputContract(type=kind))  # type: ignore[arg-type]


def test_an_answer_that_does_not_fit_is_shown_to_the_model_again() -> None:
    asked = repaired({"messages": [HI], "temperature": 0}, '{"a":1}', Mismatch("$.a", "1 is not of type 'string'"))
    assert asked["temperature"] == 0
    assert asked["messages"][:2] == [HI, {"role": "assistant", "content": '{"a":1}'}]
    assert "$.a: 1 is not of type 'string'" in asked["messages"][2]["content"]
    assert len(repaired({"messages": [HI]}, " ", Mismatch("$", "empty"))["messages"]) == 2
