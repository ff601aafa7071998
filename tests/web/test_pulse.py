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


class Wire:
    """A server's own end of a response, with room for a number of pieces."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.pushed: list[bytes] = []
        self.sent: list[Any] = []
        self.drained = asyncio.Event()
        self.is_line = True

    def push(self, data: bytes) -> bool:
        self.pushed.append(data)
        return len(self.pushed) < self.room

    async def send(self, message: Any) -> None:
        await self.drained.wait()
        self.sent.append(message)


def test_where_the_server_lets_us_pieces_are_written_without_waiting() -> None:
    async def story() -> None:
        wire = Wire(room=3)
        pulse = Pulse(wire.send)
        assert [pulse.say(piece) for piece in (b"a", b"", b"b", b"c")] == [True, True, True, False]
        assert wire.pushed == [b"a", b"b", b"c"]
        waiting = asyncio.create_task(pulse.heard())
        await asyncio.sleep(0)
        assert not waiting.done(), "the reader has fallen behind"
        wire.drained.set()
        await waiting
        assert [message["body"] for message in wire.sent] == [b""], "all had been written already"
        pulse.stop()

    asyncio.run(story())


def test_where_it_does_not_they_are_sent_one_after_the_other() -> None:
    async def story() -> list[bytes]:
        sent: list[bytes] = []

        async def send(message: Any) -> None:
            sent.append(message["body"])

        pulse = Pulse(send)
        assert not pulse.say(b"a")
        await pulse.heard()
        assert not pulse.say(b"b")
        await pulse.heard()
        pulse.stop()
        return sent

    assert asyncio.run(story()) == [b"a", b"b"]


def test_a_reader_who_does_not_read_is_told_no_more() -> None:
    async def story() -> None:
        wire = Wire(room=1)
        pulse = Pulse(wire.send, every_s=0.01)
        assert not pulse.say(b"a")
        waiting = asyncio.create_task(pulse.heard())
        await asyncio.sleep(0.05)
        assert wire.pushed == [b"a"]
        wire.drained.set()
        await waiting
        while wire.pushed == [b"a"]:
            await asyncio.sleep(0.005)
        assert wire.pushed[1] == b": keepalive\n\n"
        pulse.stop()

    asyncio.run(story())
