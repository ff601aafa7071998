"""Stepping a coroutine by hand changes nothing but its cost."""

import asyncio
from typing import Any

import pytest

from gateway.web.stepped import Stepped


async def at_once() -> str:
    return "there"


async def failing() -> None:
    raise ValueError("no")


def test_what_is_there_is_told_without_waiting() -> None:
    stepped = Stepped(at_once())
    assert stepped.done
    assert stepped.value == "there"


def test_what_is_not_there_is_awaited_to_its_end() -> None:
    async def story() -> Any:
        event = asyncio.Event()

        async def later() -> str:
            await event.wait()
            await asyncio.sleep(0)
            return "later"

        stepped = Stepped(later())
        assert not stepped.done
        asyncio.get_running_loop().call_soon(event.set)
        return await stepped.rest()

    assert asyncio.run(story()) == "later"


def test_an_error_comes_out_whether_at_once_or_later() -> None:
    async def later() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def story() -> None:
        with pytest.raises(ValueError, match="no"):
            Stepped(failing())
        with pytest.raises(ValueError, match="no"):
            await Stepped(later()).rest()

    asyncio.run(story())


def test_a_wait_that_is_cut_short_is_cleaned_up() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cleaned up")

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await Stepped(endless()).rest()

    asyncio.run(story())
    assert ended == ["cleaned up"]
