"""What runs beside the requests, again and again, for as long as the process lives."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from gateway.state.store_error import StoreError

LOG = logging.getLogger("tokenhub")


class Chores:
    """Each repeats in a task of its own; one that fails is told to the log once and goes on."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def every(self, seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self.add(_repeat(seconds, name, work))

    def add(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def aclose(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            LOG.error("a chore of the gateway ended: nobody does it any more", exc_info=task.exception())


async def _repeat(seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
    failing = False
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except (StoreError, OSError) as error:
            if not failing:
                LOG.warning("%s: %s", name, error)
            failing = True
        else:
            failing = False
