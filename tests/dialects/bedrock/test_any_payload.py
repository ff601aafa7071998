"""What holds for every payload that Bedrock's and Cohere's translators could ever see."""

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from gateway.dialects.base import Dialect
from gateway.dialects.bedrock.dialect import Bedrock
from gateway.dialects.cohere.dialect import Cohere
from tests.builders import a_provider, an_ask, an_offer
from tests.dialects.payloads import SENSELESS, conversations

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PLACE = a_provider("p", base_url="https://x.test")
MODELS = [
    "anthropic.claude-opus-4-7",
    "anthropic.claude-sonnet-4-5",
    "amazon.nova-2",
    "cohere.x",
    "openai.gpt-oss",
    "y",
]
Said = tuple[str, ...]


def body_of(speaker: Dialect, payload: dict[str, Any], model: str = "m") -> Any:
    return msgspec.json.decode(speaker.request(an_ask(payload=payload), an_offer(model, "p"), PLACE).body)


@pytest.mark.parametrize("speaker", [Bedrock(), Cohere()], ids=lambda speaker: type(speaker).__name__)
@QUICK
@given(payload=SENSELESS)
def test_no_payload_makes_a_translator_raise_and_it_is_never_changed(speaker: Dialect, payload: dict[str, Any]) -> None:
    before = msgspec.json.encode(payload)
    assert all(isinstance(name, str) and name for name in speaker.unsayable(an_ask(payload=payload), PLACE))
    for model in MODELS:
        assert isinstance(body_of(speaker, payload, model), dict)
    assert msgspec.json.encode(payload) == before


@QUICK
@given(messages=conversations())
def test_what_openai_can_express_is_said_to_bedrock_in_order_and_whole(messages: list[dict[str, Any]]) -> None:
    payload = {"model": "m", "messages": messages}
    assert Bedrock().unsayable(an_ask(payload=payload), PLACE) == ()
    wire = body_of(Bedrock(), payload)
    assert [*_of_system(wire), *_of_turns(wire)] == list(_of_messages(messages))
    roles = [turn["role"] for turn in wire["messages"]]
    assert all(one != other for one, other in itertools.pairwise(roles))


@QUICK
@given(messages=conversations())
def test_what_openai_can_express_is_said_to_cohere_in_order_and_whole(messages: list[dict[str, Any]]) -> None:
    payload = {"model": "m", "messages": messages}
    assert Cohere().unsayable(an_ask(payload=payload), PLACE) == ()
    back = [
        {**turn, "content": turn.get("tool_plan", turn.get("content", ""))}
        for turn in body_of(Cohere(), payload)["messages"]
    ]
    assert list(_of_messages(back)) == list(_of_messages(messages))


def _of_messages(messages: list[dict[str, Any]]) -> Iterator[Said]:
    for message in messages:
        if message["role"] == "tool":
            yield "result", message["tool_call_id"], message["content"].strip()
            continue
        if message["content"].strip():
            yield message["role"], message["content"]
        for call in message.get("tool_calls", ()):
            yield "call", call["id"], call["function"]["name"], call["function"]["arguments"]


def _of_system(wire: dict[str, Any]) -> Iterator[Said]:
    yield from (("system", block["text"]) for block in wire.get("system", ()))


def _of_turns(wire: dict[str, Any]) -> Iterator[Said]:
    for turn in wire["messages"]:
        for block in turn["content"]:
            if "toolUse" in block:
                use = block["toolUse"]
                yield "call", use["toolUseId"], use["name"], msgspec.json.encode(use["input"]).decode()
            elif "toolResult" in block:
                result = block["toolResult"]
                yield "result", result["toolUseId"], "".join(part["text"] for part in result["content"]).strip()
            else:
                yield turn["role"], block["text"]
