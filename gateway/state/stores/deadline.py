"""A deadline for one call that counts how long the other side takes, not how late we are to look."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

LATE = 0.2
"""Of the deadline: a clock that rings later than this rang in a busy process, and the answer may lie there unread."""


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """TimeoutError after so long; once as long again where this process was too busy to notice an answer."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    async with asyncio.timeout(None) as limit:

        def ring() -> None:
            now = loop.time()
            limit.reschedule(now + seconds if now - due > seconds * LATE else now)

        bell = loop.call_at(due, ring)
        try:
            yield
        finally:
            bell.cancel()
