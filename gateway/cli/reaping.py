"""Processes that ended and belong to nobody are buried by the first process of a container."""

import os
from collections.abc import Awaitable, Callable

LOOK_S = 5.0


async def reap_strangers(pause: Callable[[float], Awaitable[None]]) -> None:
    """Whoever started a process asks how it ended, at once. One that is still there at the next look has nobody."""
    seen: int | None = None
    while True:
        await pause(LOOK_S)
        seen = reap_if_seen(seen)


def reap_if_seen(before: int | None) -> int | None:
    """Buries those that were there at the last look; one that is new may yet be asked for by whoever started it."""
    while True:
        dead = ended_child()
        if dead is None or dead != before:
            return dead
        os.waitpid(dead, os.WNOHANG)


def ended_child() -> int | None:
    """The number of a child that has ended; it stays as it is."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if found is None else found.si_pid
