"""The ladder of `*` in a file of its own: read at the start, and again whenever it says something else."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.config.ladder_file import LadderFile, read_ladder_file
from gateway.config.problem import as_text
from gateway.flow.first_load import CannotServeError

LOG = logging.getLogger("tokenhub")

VARIABLE = "TOKENHUB_WILDCARD_MODELS_FILE"
LOOK_S = 5.0


class LadderKeeper:
    """Hands on what the file says; one that became unreadable changes nothing, and is told."""

    def __init__(self, path: Path | None, use: Callable[[tuple[str, ...]], None]) -> None:
        self._path = path
        self._use = use
        self._seen = b""
        self.broken = False

    def begin(self) -> None:
        """A broken file stops the start."""
        if self._path is None:
            return
        self._seen = digest_of(self._path)
        read = read_ladder_file(self._path)
        if read.problems:
            raise CannotServeError(f"{VARIABLE}:\n" + "\n\n".join(map(as_text, read.problems)))
        self._use(read.models)

    async def look(self) -> None:
        """Off the loop; cheap while nothing changes."""
        if self._path is None:
            return
        seen = await asyncio.to_thread(digest_of, self._path)
        if seen == self._seen:
            return
        self._seen = seen
        self._take(await asyncio.to_thread(read_ladder_file, self._path))

    def _take(self, read: LadderFile) -> None:
        self.broken = bool(read.problems)
        for problem in read.problems:
            LOG.error("the ladder stays as it was: %s", as_text(problem).partition("\n")[0])
        if not read.problems:
            LOG.info("the ladder of `*` is now %s", ", ".join(read.models))
            self._use(read.models)


def ladder_path(env: Mapping[str, str]) -> Path | None:
    return Path(env[VARIABLE]) if env.get(VARIABLE) else None


def digest_of(path: Path) -> bytes:
    """Empty where there is nothing to read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""
