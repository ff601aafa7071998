"""A deadline ends what the other side drags out, and forgives what this process was too busy to hear."""

import asyncio
import time

import pytest

from gateway.state.stores.deadline import within


def test_what_never_answers_ends_after_the_deadline() -> None:
    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with within(0.02):
                await asyncio.Event().wait()

    asyncio.run(story())


def test_an_answer_that_lies_there_while_this_process_is_busy_is_taken() -> None:
    async def story() -> bool:
        answered = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, lambda: asyncio.get_running_loop().call_soon(late, answered))
        async with within(0.02):
            time.sleep(0.05)
            await answered
        return answered.done()

    def late(answered: asyncio.Future[None]) -> None:
        asyncio.get_running_loop().call_soon(lambda: answered.set_result(None))

    assert asyncio.run(story())


def test_a_busy_process_does_not_wait_for_ever() -> None:
    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with within(0.02):
                time.sleep(0.05)
                await asyncio.Event().wait()

    asyncio.run(story())


def test_a_call_that_is_cut_off_stays_cut_off() -> None:
    async def story() -> None:
        async def call() -> None:
            async with within(5.0):
                await asyncio.Event().wait()

        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
