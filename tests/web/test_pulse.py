"""A silent stream shows that it lives, in the words of whoever listens; a busy one does not."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.web.messages import MESSAGES
from gateway.web.openai import OPENAI
from gateway.web.pulse import Pulse
from gateway.web.responses import RESPONSES
from gateway.web.surface import Surface


@pytest.mark.parametrize("surface", [OPENAI, MESSAGES, RESPONSES], ids=["openai", "messages", "responses"])
def test_a_silent_stream_says_that_it_lives(surface: Surface) -> None:
    async def silence() -> list[Any]:
        sent: list[Any] = []
        heard = asyncio.Event()

        async def send(message: Any) -> None:
            sent.append(message)
            heard.set()

        pulse = Pulse(send, surface.keepalive, every_s=0.01)
        await asyncio.wait_for(heard.wait(), 5)
        pulse.stop()
        return sent

    first = asyncio.run(silence())[0]
    assert first == {"type": "http.response.body", "body": surface.keepalive, "more_body": True}


def test_every_sign_of_life_is_one_that_its_clients_skip() -> None:
    for surface in (OPENAI, RESPONSES):
        assert surface.keepalive.startswith(b":")
        assert surface.keepalive.endswith(b"\n\n")
    name, data, *rest = MESSAGES.keepalive.decode().split("\n")
    assert (name, rest) == ("event: ping", ["", ""])
    assert msgspec.json.decode(data.removeprefix("data: ")) == {"type": "ping"}
