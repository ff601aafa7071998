"""Answers are brought into shape in place."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.answer import Answer, Chunk, Usage
from gateway.domain.ask import OutputContract
from gateway.output.format import Text, reshape_text, shape
from gateway.output.plain import plain_text
from gateway.output.stream import StreamShaper, needs_shaping
from gateway.output.validator import Mismatch
from gateway.output.wellformed import xml_fault

GOLDEN = Path(__file__).parent.parent / "golden" / "output"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def an_answer(*contents: Any, raw: bool = False, **message: Any) -> Answer:
    choices: Any = [
        {"index": index, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
        for index, content in enumerate(contents)
    ]
    if raw:
        choices = msgspec.Raw(json.dumps(choices).encode())
    usage = Usage(input_tokens=1, output_tokens=2)
    return Answer(whole={"id": "x", "choices": choices, "usage": {"total_tokens": 3}}, usage=usage, model="m")


def contents(answer: Answer | Mismatch) -> list[Any]:
    assert isinstance(answer, Answer), answer
    return [choice["message"]["content"] for choice in answer.fields["choices"]]


def streamed(text: str, contract: OutputContract, size: int) -> tuple[str, str | None]:
    """What a caller of the stream sees, and the complaint at its end."""
    shaper = StreamShaper(contract)
    sent: list[Chunk] = []
    for at in range(0, len(text), size):
        sent += shaper.take(a_chunk({"content": text[at : at + size]}))
    sent += shaper.take(a_chunk({}, finish="stop"))
    end = shaper.end()
    if isinstance(end, list):
        shaped = [one for one in end if one.judge and contract.schema is not None]
        answers = [shape(an_answer(one.text), contract) for one in shaped]
        end = next((one for one in answers if isinstance(one, Mismatch)), end)
    said = "".join(choice["delta"].get("content", "") for chunk in sent for choice in json.loads(chunk.data)["choices"])
    return said, str(end) if isinstance(end, Mismatch) else None


def a_chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> Chunk:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    data = json.dumps({"id": "x", "choices": [choice], **more}).encode()
    return Chunk(data, content=bool(delta.get("content") or delta.get("tool_calls")), finish=finish is not None)


@pytest.mark.parametrize("name", CASES)
def test_a_golden_text_is_shaped_whole_and_streamed(name: str, update_golden: bool) -> None:
    path = GOLDEN / f"{name}.json"
    case = json.loads(path.read_text())
    contract = msgspec.convert(case["contract"], OutputContract)
    outcome = shape(an_answer(case["in"]), contract)
    got = dict(case)
    got["out"] = {"mismatch": str(outcome)} if isinstance(outcome, Mismatch) else contents(outcome)[0]
    said, complaint = streamed(case["in"], contract, 3)
    got["streamed"] = said if complaint is None else {"said": said, "mismatch": complaint}
    if update_golden:
        path.write_text(json.dumps(got, indent=2, ensure_ascii=False) + "\n")
        case = got
    assert got == case
    for size in (1, 7, 10_000):
        assert streamed(case["in"], contract, size) == (said, complaint)


def test_there_is_a_case_for_every_format() -> None:
    kinds = {json.loads((GOLDEN / f"{name}.json").read_text())["contract"].get("type") for name in CASES}
    assert kinds == {None, "json", "xml", "markdown", "text"}


@pytest.mark.parametrize("raw", [False, True])
def test_all_that_is_not_text_stays(raw: bool) -> None:
    answer = an_answer("```json\n[1]\n```", '{"a":1}', raw=raw, reasoning_content="<think>kept</think>")
    shaped = shape(answer, OutputContract(type="json", strip_think=True))
    assert contents(shaped) == ["[1]", '{"a":1}']
    assert isinstance(shaped, Answer)
    assert (shaped.usage, shaped.model, shaped.fields["id"]) == (answer.usage, "m", "x")
    assert shaped.fields["usage"] == {"total_tokens": 3}
    assert shaped.fields["choices"][0]["message"]["reasoning_content"] == "<think>kept</think>"
    assert shaped.fields["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("message", [{"tool_calls": [CALL]}, {"refusal": "I cannot."}])
@pytest.mark.parametrize("content", [None, ""])
def test_a_call_or_a_refusal_is_no_text_to_be_shaped(message: dict[str, Any], content: str | None) -> None:
    answer = an_answer(content, **message)
    assert shape(answer, OutputContract(type="json")) == answer


def test_every_choice_must_fit() -> None:
    contract = OutputContract(schema={"type": "array"})
    assert str(shape(an_answer("[]", "{}"), contract)) == "$: {} is not of type 'array'"
    assert isinstance(shape(an_answer("[]", "nope"), contract), Mismatch)
    assert isinstance(shape(an_answer(None), contract), Mismatch)


def test_an_answer_without_choices_is_left_alone() -> None:
    answer = Answer(whole={"object": "list"}, usage=None, model="m")
    assert shape(answer, OutputContract(type="json")) == answer


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "NaN", "01", '"\\ud800"', "\ud800"])
def test_hostile_json_is_a_mismatch(text: str) -> None:
    outcome = reshape_text(text, OutputContract(type="json"))
    assert isinstance(outcome, Mismatch) or text == '"\\ud800"'


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        "<a>&undefined;</a>",
        "<a><b></a>",
        "<a/><b/>",
        "",
        "text",
        "<a>\ud800</a>",
    ],
)
def test_xml_that_is_broken_or_declares_anything_is_a_mismatch(text: str) -> None:
    assert isinstance(xml_fault(text), Mismatch)


@pytest.mark.parametrize(
    "text",
    [
        "<a>&lt;&#65;ü</a>",
        '<?xml version="1.0" encoding="utf-16"?><a/>',
        "<a>" * 20_000 + "</a>" * 20_000,
        "<a><![CDATA[<]]></a>",
    ],
)
def test_well_formed_xml_is_taken(text: str) -> None:
    assert xml_fault(text) is None


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="*_`~#>-[]()!|\\ab \n1.<", max_size=60))
def test_stripping_markdown_never_fails_and_loses_no_letter(text: str) -> None:
    plain = plain_text(text)
    assert (
        [char for char in plain if char in "b1"] == [char for char in text if char in "b1"]
        or "```" in text
        or "~~~" in text
    )


def test_thoughts_leave_no_empty_chunks() -> None:
    shaper = StreamShaper(OutputContract(strip_think=True))
    assert shaper.take(a_chunk({"role": "assistant", "content": ""})) == [a_chunk({"role": "assistant", "content": ""})]
    assert shaper.take(a_chunk({"content": "<think>secret"})) == []
    assert shaper.take(a_chunk({"content": "</think>"})) == []
    plain = a_chunk({"content": "Hi <"})
    (hi,) = shaper.take(plain)
    assert json.loads(hi.data)["choices"][0]["delta"] == {"content": "Hi "}
    rest, finish = shaper.take(a_chunk({}, finish="stop"))
    assert json.loads(rest.data)["choices"] == [{"index": 0, "delta": {"content": "<"}, "finish_reason": None}]
    assert finish.finish
    assert not rest.finish


def test_choices_do_not_share_their_thoughts() -> None:
    shaper = StreamShaper(OutputContract(strip_think=True))
    assert shaper.take(a_chunk({"content": "<think>"}, index=0)) == []
    (other,) = shaper.take(a_chunk({"content": "said"}, index=1))
    assert b"said" in other.data


def test_a_chunk_that_also_calls_a_tool_keeps_its_call() -> None:
    shaper = StreamShaper(OutputContract(strip_think=True))
    (chunk,) = shaper.take(a_chunk({"content": "<think>", "tool_calls": [{"index": 0}]}))
    assert json.loads(chunk.data)["choices"][0]["delta"]["tool_calls"] == [{"index": 0}]


def test_chunks_without_content_pass_untouched() -> None:
    shaper = StreamShaper(OutputContract(strip_think=True))
    chunk = Chunk(b'{"choices":[],"usage":{}}', usage=Usage(), usage_only=True)
    assert shaper.take(chunk) == [chunk]


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (None, False),
        (OutputContract(type="markdown"), False),
        (OutputContract(max_tokens=3), False),
        (OutputContract(strip_think=True), True),
        (OutputContract(type="json"), True),
        (OutputContract(type="xml"), True),
        (OutputContract(schema={}), True),
    ],
)
def test_streams_are_looked_into_only_where_they_must_be(contract: OutputContract | None, expected: bool) -> None:
    assert needs_shaping(contract) is expected


def test_what_was_said_is_handed_to_the_judge() -> None:
    shaper = StreamShaper(OutputContract(schema={"type": "object"}))
    shaper.take(a_chunk({"content": '{"a":'}))
    shaper.take(a_chunk({"content": "1}"}))
    assert shaper.end() == [Text('{"a":1}', {"a": 1}, judge=True)]
