"""A stream that is told the moment it is heard: to whom, for how long, and what ends it."""

import asyncio
import time

import pytest

from gateway.domain.trail import Failure
from tests.upstream.lab import Lab, pour_all, run
from tests.wire import Wire, openai_chat, openai_stream


def test_a_listener_hears_at_once_and_nobody_is_woken_in_between(loop: str, wire: Wire) -> None:
    """Every piece is told from within the event loop's reading, not from the task that pours."""

    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 20, pace_s=0.002))
        tasks: list[object] = []

        def hear(data: bytes | Failure) -> bool:
            tasks.append(asyncio.current_task())
            return bool(data)

        await (await lab.stream()).pour(hear)
        assert tasks.count(None) > 10

    run(loop, main, wire.url)


def test_closing_ends_a_pouring_that_waits_elsewhere(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(stall_after=2))
        stream = await lab.stream()
        told: list[bytes | Failure] = []

        def hear(data: bytes | Failure) -> bool:
            told.append(data)
            return True

        pouring = asyncio.create_task(stream.pour(hear))
        while not told:
            await asyncio.sleep(0.001)
        stream.close()
        await asyncio.wait_for(pouring, 1)
        assert told[-1] == b""

    run(loop, main, wire.url)


def test_a_stream_that_its_listener_closes_tells_no_more(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 50, pace_s=0.001), openai_chat("SECRET"))
        stream = await lab.stream()
        told: list[bytes | Failure] = []

        def hear(data: bytes | Failure) -> bool:
            told.append(data)
            if len(told) == 3:
                stream.close()
            return True

        await asyncio.wait_for(stream.pour(hear), 1)
        assert told[3:] == [b""]
        assert b"SECRET" in (await lab.reply()).body
        assert len(told) == 4

    run(loop, main, wire.url)


def test_silence_counts_from_the_last_piece_that_was_told(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 40, pace_s=0.02, stall_after=20))
        stream = await lab.stream(patience=lab.patience(idle_s=0.2))
        heard, failure = await pour_all(stream)
        assert failure is not None
        assert failure.code == "upstream_stalled"
        assert heard.count(b"data: ") >= 15

    run(loop, main, wire.url)


def test_the_deadline_ends_a_stream_that_goes_on(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 1000, pace_s=0.005))
        stream = await lab.stream(patience=lab.patience(idle_s=0.05, until=time.monotonic() + 0.2))
        _, failure = await pour_all(stream)
        assert failure is not None
        assert failure.code == "deadline_exceeded"

    run(loop, main, wire.url)


def test_a_listener_that_fails_ends_the_stream_and_is_reported(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 50, pace_s=0.005))
        stream = await lab.stream()
        reported: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
        told: list[bytes | Failure] = []

        def hear(data: bytes | Failure) -> bool:
            told.append(data)
            if len(told) == 5:
                raise ZeroDivisionError
            return True

        with pytest.raises((RuntimeError, ZeroDivisionError)):
            await stream.pour(hear)
        stream.close()
        assert all(isinstance(error, ZeroDivisionError) for error in reported)

    run(loop, main, wire.url)
