"""Notice that files changed: by watching their folders, by looking every few seconds, or by being told.

Folders are watched, never files: a ConfigMap is swapped by renaming a link beside them, and whoever watches the file
goes deaf. Looking at the content is the safety net where no events come.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from watchfiles import awatch

LOG = logging.getLogger("tokenhub")

SETTLE_S = 0.1
"""Two equal looks this far apart mean that nobody is writing any more."""
DEBOUNCE_MS = 50
STEP_MS = 25


class Watch:
    """One task that watches, one that looks; both only say `on_change`."""

    def __init__(self, on_change: Callable[[str], None]) -> None:
        self._on_change = on_change
        self._files: tuple[Path, ...] = ()
        self._folders: frozenset[Path] = frozenset()
        self._seen = ""
        self._moved = asyncio.Event()
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.deaf = False
        """Events do not come; only looking is left."""

    def start(self, poll_s: Callable[[], float]) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._look(poll_s))]

    def follow(self, files: Iterable[Path], folders: Iterable[Path]) -> None:
        """From now on these; the folders of files that are links are those of the links."""
        self._files = tuple(files)
        wanted = frozenset(self._existing({*(file.parent.absolute() for file in self._files), *folders}))
        if wanted != self._folders:
            self._folders = wanted
            self._moved.set()

    @property
    def folders(self) -> tuple[str, ...]:
        return tuple(sorted(map(str, self._folders)))

    async def settled(self) -> str:
        """The digest of all content, once two looks agree."""
        seen = await self.look()
        while True:
            await asyncio.sleep(SETTLE_S)
            again = await self.look()
            if again == seen:
                self._seen = seen
                return seen
            seen = again

    async def look(self) -> str:
        return await asyncio.to_thread(content_digest, self._files, tuple(self._folders))

    async def aclose(self) -> None:
        self._stop.set()
        self._moved.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        while not self._stop.is_set():
            self._moved.clear()
            if not self._folders:
                await self._moved.wait()
                continue
            try:
                async for _ in awatch(
                    *self._folders, stop_event=self._moved, debounce=DEBOUNCE_MS, step=STEP_MS, recursive=False
                ):
                    self._on_change("file event")
                self.deaf = False
            except (OSError, RuntimeError) as error:
                self.deaf = True
                LOG.warning("cannot watch the configuration's folders (%s); looking every few seconds instead", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), 60)

    async def _look(self, poll_s: Callable[[], float]) -> None:
        while True:
            await asyncio.sleep(poll_s())
            seen = await self.look()
            if self._seen and seen != self._seen:
                self._seen = seen
                self._on_change("poll")

    def _existing(self, folders: Iterable[Path]) -> Iterable[Path]:
        return (folder for folder in folders if folder.is_dir())


def content_digest(files: Iterable[Path], folders: Iterable[Path]) -> str:
    """Of every file's content and every folder's names; what cannot be read counts as its absence."""
    sum_ = hashlib.sha256()
    for file in files:
        sum_.update(str(file).encode() + b"\0")
        try:
            sum_.update(file.read_bytes())
        except OSError as error:
            sum_.update(type(error).__name__.encode())
    for folder in sorted(folders):
        with contextlib.suppress(OSError):
            for name in sorted(entry.name for entry in folder.iterdir() if entry.suffix in (".yaml", ".yml", ".json")):
                sum_.update(name.encode() + b"\0")
    return sum_.hexdigest()


def frozen_mounts(files: Iterable[Path], mountinfo: str) -> tuple[str, ...]:
    """Files that are mount points themselves: Kubernetes never updates those (`subPath`)."""
    points = {line.split(" ")[4].replace("\\040", " ") for line in mountinfo.splitlines() if line.count(" ") > 4}
    return tuple(str(file) for file in files if str(file.absolute()) in points)
