"""Plain bodies are understood without a closer look, and exactly as they would be with one."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.unsayable import PLAIN_ROLES
from gateway.web.fields import CONTROL_FIELDS
from gateway.web.understand_chat import Role, look_closely, plain_texts, understand_chat
from tests.builders import a_snapshot

VISIT = Visit(snapshot=a_snapshot(), key=None, ulid="01arz3ndektsv4rrffq69g5fav", started=0.0, started_unix=0.0)
HELLO = {"role": "user", "content": "Hello, you two."}
PLAIN = {"model": "gpt-4o", "messages": [HELLO]}

ROLES = sorted(get_args(Role))
ODD: list[Any] = [
    None,
    True,
    0,
    1,
    2,
    3,
    -1,
    0.5,
    1.0,
    2.5,
    1 << 40,
    1e300,
    "",
    "user",
    [],
    ["a"],
    {},
    {"type": "text"},
]
VALUES = st.sampled_from(ODD)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from([*ROLES, "nobody", None, ["user"]]), "content": st.text(max_size=30) | VALUES},
    optional={"name": VALUES, "tool_calls": VALUES, "refusal": VALUES},
)
SOMETIMES = (
    *("stream", "stream_options", "temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "stop"),
    *("tools", "metadata", "user", "prompt", "input", "response_format", "seed", "logit_bias", "api_base"),
)
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from(["gpt-4o", "", None, 5]), "messages": st.lists(MESSAGES | VALUES, max_size=4) | VALUES},
    optional=dict.fromkeys(SOMETIMES, VALUES),
)
LIKELY = st.fixed_dictionaries(
    {
        "model": st.just("gpt-4o"),
        "messages": st.lists(
            st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": st.text(max_size=30)}),
            min_size=1,
            max_size=3,
        ),
    },
    optional={
        "stream": st.booleans(),
        "temperature": st.floats(-1, 3) | st.integers(-1, 3),
        "top_p": st.floats(0, 1.5),
        "max_tokens": st.integers(-1, 1 << 33),
        "max_completion_tokens": st.integers(0, 5) | st.floats(0, 5),
        "seed": VALUES,
    },
)


def outcome(body: dict[str, Any], look: Any) -> Ask | tuple[str, str, str | None]:
    try:
        ask: Ask = look(VISIT, {}, body)
    except RequestError as error:
        return (error.code, error.message, error.param)
    return replace(ask, texts_only=False)


@settings(max_examples=100, deadline=None)
@given(LIKELY | BODIES)
def test_a_body_is_understood_or_refused_as_a_closer_look_would_have_it(body: dict[str, Any]) -> None:
    body = msgspec.json.decode(msgspec.json.encode(body))
    assert outcome(body, understand_chat) == outcome(body, look_closely)


@settings(max_examples=100, deadline=None)
@given(LIKELY | BODIES)
def test_of_nothing_but_texts_it_is_said_that_there_is_nothing_else(body: dict[str, Any]) -> None:
    try:
        ask = understand_chat(VISIT, {}, body)
    except RequestError:
        return
    if ask.texts_only:
        assert not ask.features
        for message in body["messages"]:
            assert message.keys() == {"role", "content"}
            assert message["role"] in PLAIN_ROLES
            assert isinstance(message["content"], str)


@pytest.mark.parametrize(
    "more",
    [{}, {"stream": True}, {"temperature": 0}, {"temperature": 0.7, "max_tokens": 100}, {"seed": 4, "tool_choice": {}}],
    ids=str,
)
def test_what_most_callers_send_is_plain(more: dict[str, Any]) -> None:
    assert plain_texts(PLAIN | more) == [HELLO["content"]]


@pytest.mark.parametrize("name", sorted(CONTROL_FIELDS))
def test_a_field_that_would_steer_our_call_is_never_plain(name: str) -> None:
    assert plain_texts(PLAIN | {name: None}) is None


@pytest.mark.parametrize("names", [sorted(CONTROL_FIELDS), sorted(CONTROL_FIELDS, reverse=True)], ids=["up", "down"])
def test_of_several_fields_that_would_steer_our_call_the_first_is_named(names: list[str]) -> None:
    with pytest.raises(RequestError) as refusal:
        understand_chat(VISIT, {}, PLAIN | dict.fromkeys(names, "x"))
    assert refusal.value.param == names[0]


@pytest.mark.parametrize(
    ("header", "value"), [(b"x-inferoute-strategy", b"latency"), (b"x-inferoute-fallback", b"gpt-4o, o3")]
)
def test_wishes_are_heard_with_plain_bodies_too(header: bytes, value: bytes) -> None:
    ask = understand_chat(VISIT, {header: value}, dict(PLAIN))
    assert ask == look_closely(VISIT, {header: value}, dict(PLAIN))
    assert (ask.strategy, ask.fallback) != (None, None)
