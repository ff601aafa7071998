"""What a request was made of goes with it: the collector looks too seldom to be left whole conversations."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.ask import Ask
from gateway.domain.visit import Visit
from gateway.flow.receipt import Receipt
from gateway.flow.stream import LiveStream
from tests.faults.world import until
from tests.serving import a_config, serving
from tests.wire import Scripted, Wire, json_reply, openai_chat, openai_stream

ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
MADE = (Visit, Ask, Receipt, LiveStream)

SAID: dict[str, tuple[dict[str, Any], Scripted]] = {
    "an answer": ({}, openai_chat("Hi!")),
    "a stream": ({"stream": True}, openai_stream([" word"] * 20)),
    "a stream that is left": ({"stream": True}, openai_stream([" word"] * 400, pace_s=0.02)),
    "a stream that breaks off": ({"stream": True}, openai_stream([" word"] * 20).but(cut_after=900, end="close")),
    "a refusal of the provider": ({}, json_reply({"error": {"message": "no"}}, 400)),
    "a failure of the provider": ({}, json_reply({"error": {"message": "no"}}, 500)),
    "a refusal of ours": ({"messages": 5}, openai_chat("never said")),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(("more", "said"), SAID.values(), ids=SAID)
def test_nothing_of_a_request_is_left_to_the_collector(more: dict[str, Any], said: Scripted, tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as client:
        before = made()
        wire.script(said)
        with client.stream("POST", "/v1/chat/completions", json=ASKED | more) as answer:
            if not said.pace_s:
                answer.read()
        assert until(lambda: made() <= before, 5.0)


def made() -> int:
    return sum(isinstance(one, MADE) for one in gc.get_objects())
