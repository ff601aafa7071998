"""Notice that files changed: by watching their folders, by looking every few seconds, or by being told.

Folders are watched, never files: a ConfigMap is swapped by renaming a link beside them, and whoever watches the file
goes deaf. Looking at the content is the safety net where no events come, and it has the last word: events in the same
folders that change nothing of ours are no news.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Literal

from watchfiles import awatch

from gateway.flow.footprint import Footprint, Watched

LOG = logging.getLogger("tokenhub")

Mode = Literal["off", "events", "polling"]

SETTLE_S = 0.1
"""Two equal looks this far apart mean that nobody is writing any more."""
SETTLE_LOOKS = 50
"""Who never stops writing is read anyway after so many looks."""
DEBOUNCE_MS = 50
STEP_MS = 50
"""How often the watching thread wakes: less than a thousandth of a CPU."""
RECHECK_S = 0.5
"""After watching began anew, what happened in between is looked for this soon."""
DEAF_S = 60.0
"""How long until watching is tried again where it did not work."""


class Watch:
    """One task that watches, one that looks; both only say `on_change`."""

    def __init__(self, on_change: Callable[[str], object]) -> None:
        self.mode: Mode = "off"
        self.footprint = Footprint()
        self._on_change = on_change
        self._watched = Watched()
        self._seen = ""
        self._moved = asyncio.Event()
        self._look_soon = asyncio.Event()
        self._ending = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, poll_s: Callable[[], float]) -> None:
        self.mode = "events"
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._poll(poll_s))]

    async def follow(self, footprint: Footprint, seen: str) -> bool:
        """From now on these, of which `seen` was read. False if that is old already, or unknown: read again."""
        same = footprint == self.footprint
        self.footprint = footprint
        now = await self._look()
        await self._rewatch()
        self._seen = seen if same else now
        return same and now == seen

    def is_news(self, seen: str) -> bool:
        """Whether this differs from what was read last."""
        return seen != self._seen

    @property
    def folders(self) -> tuple[str, ...]:
        return tuple(sorted(folder for folder, _, _ in self._watched.folders))

    async def settled(self) -> str:
        """The digest of all content, once two looks agree."""
        seen = await self._look()
        for _ in range(SETTLE_LOOKS):
            await asyncio.sleep(SETTLE_S)
            before, seen = seen, await self._look()
            if seen == before:
                break
        return seen

    async def aclose(self) -> None:
        """The watching thread hears of it at its next step."""
        self._ending = True
        self._moved.set()
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.mode = "off"

    async def _look(self) -> str:
        return await asyncio.to_thread(self.footprint.content)

    async def _rewatch(self) -> None:
        """A folder that was replaced by another of the same name has to be watched anew."""
        watched = await asyncio.to_thread(self.footprint.watched)
        moved = watched.folders != self._watched.folders
        self._watched = watched
        if moved:
            self._moved.set()

    async def _listen(self) -> None:
        while not self._ending:
            self._moved.clear()
            self._look_soon.set()
            try:
                await self._hear(self.folders)
            except (OSError, RuntimeError) as error:
                self.mode = "polling"
                LOG.warning("cannot watch the configuration's folders (%s); looking every few seconds instead", error)
                await within(DEAF_S, self._moved)

    async def _hear(self, folders: tuple[str, ...]) -> None:
        if not folders:
            await self._moved.wait()
            return
        self.mode = "events"
        async for _ in awatch(
            *folders,
            watch_filter=lambda _, path: self._watched.concerns(path),
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            stop_event=self._moved,
            recursive=False,
            ignore_permission_denied=True,
        ):
            self._on_change("file event")

    async def _poll(self, poll_s: Callable[[], float]) -> None:
        while True:
            if await within(poll_s(), self._look_soon):
                self._look_soon.clear()
                await asyncio.sleep(min(RECHECK_S, poll_s()))
            if self.is_news(await self._look()):
                self._on_change("poll")
            await self._rewatch()


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Whether it happened in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
