"""A coroutine that is stepped once by hand: most have their answer there and then, and need neither task nor timer."""

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any, cast


class Stepped:
    """`done` with a `value` at once; else to be awaited, once, like the coroutine itself."""

    __slots__ = ("_coroutine", "_waiting_for", "done", "value")

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._coroutine = cast("Coroutine[Any, Any, Any]", awaitable)
        self.done = False
        self.value: Any = None
        try:
            self._waiting_for = self._coroutine.send(None)
        except StopIteration as end:
            self.done = True
            self.value = end.value

    async def rest(self) -> Any:
        """Go on where it waits."""
        return self.value if self.done else await _resumed(self._coroutine, self._waiting_for)


@coroutine
def _resumed(work: Coroutine[Any, Any, Any], waiting_for: Any) -> Generator[Any, Any, Any]:
    try:
        yield waiting_for
        return (yield from work)  # a coroutine that waits cannot be awaited, but it can be stepped
    finally:
        work.close()
