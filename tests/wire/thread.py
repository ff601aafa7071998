"""A thread with an event loop of its own, so that synchronous tests can have servers.

It is uvloop's: asyncio 3.11 forgets a TLS connection whose client leaves before its handshake.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

import uvloop

PATIENCE_S = 10.0


class LoopThread:
    """Enter: a thread runs `_start`; leave: `_stop`, then every task of the loop is cancelled and the thread ends."""

    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self.changed = threading.Condition()

    def __enter__(self) -> Self:
        ready = threading.Event()
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), name=type(self).__name__, daemon=True)
        self._thread.start()
        ready.wait(PATIENCE_S)
        self._inside(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._inside(self._finish())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()

    async def _start(self) -> None:
        raise NotImplementedError

    async def _stop(self) -> None:
        raise NotImplementedError

    def wait_until(self, what: Callable[[], Any], timeout: float, said: str) -> None:
        """Wait for something that a callback on our loop will make true (it must call `notify`)."""
        with self.changed:
            if not self.changed.wait_for(what, timeout):
                raise AssertionError(f"waited {timeout:g} s in vain until {said}")

    def notify(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(ready.set)
        self.loop.run_forever()

    def _inside(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)

    async def _finish(self) -> None:
        await self._stop()
        await self._turns()  # connections that were just accepted get their transports
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._turns()  # transports say goodbye a few turns after they were closed

    async def _turns(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
