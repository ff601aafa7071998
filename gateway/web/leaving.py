"""Notice at once that a caller has left, without a task of its own for each request."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Receive = Callable[[], Awaitable[Any]]


class CallerLeftError(Exception):
    """The connection ended before the request did; there is nobody left to tell."""


class Leaving:
    """Until `unwatch`, the work is cancelled when the caller leaves: for servers without a line that looks for that.

    The next message is waited for beside the work. The coroutine of `receive()` is stepped by hand and parked on the
    future it waits for, as a task would cost more than all the rest of a small request.
    """

    __slots__ = ("_waiting", "_work", "left")

    def __init__(self, receive: Receive) -> None:
        self.left = False
        self._work = asyncio.current_task()
        self._waiting: Any = receive()
        self._step()

    def unwatch(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.close()

    def _step(self) -> None:
        waiting: Coroutine[Any, Any, Any] | None = self._waiting
        if waiting is None:
            return
        try:
            future = waiting.send(None)
        except StopIteration as done:
            self._heard(done.value)
        else:
            if future is None:
                asyncio.get_running_loop().call_soon(self._step)
            else:
                future._asyncio_future_blocking = False  # noqa: SLF001 what a Task does when it starts to wait
                future.add_done_callback(self._woken)

    def _woken(self, _: object) -> None:
        self._step()

    def _heard(self, message: Any) -> None:
        self._waiting = None
        if message["type"] == "http.disconnect":
            self._gone()

    def _gone(self) -> None:
        if self._work is not None:
            self.left = True
            self._work.cancel()
