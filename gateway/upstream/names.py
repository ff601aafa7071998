"""Names to addresses: one look-up at a time for each name, and the last good answer when the resolver fails."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from msgspec import Struct

from gateway.clock import Clock

FRESH_S = 30.0
USABLE_S = 300.0
PATIENCE_S = 0.5
"""How long a resolver is waited for while an older answer is at hand."""
KEPT = 512

Address = tuple[int, str]
"""Family and address."""
Lookup = Callable[[str], Awaitable[tuple[Address, ...]]]


class Known(Struct, frozen=True):
    addresses: tuple[Address, ...]
    at: float


class Names:
    """The resolver's answers."""

    __slots__ = ("_clock", "_known", "_lookup", "_under_way")

    def __init__(self, clock: Clock, lookup: Lookup | None) -> None:
        self._clock = clock
        self._lookup = lookup or ask_the_system
        self._known: dict[str, Known] = {}
        self._under_way: dict[str, asyncio.Task[bool]] = {}

    async def find(self, host: str) -> tuple[Address, ...]:
        """Empty where there is none."""
        literal = _literal(host)
        if literal is not None:
            return (literal,)
        known = self._known.get(host)
        age = self._clock.monotonic() - known.at if known is not None else USABLE_S
        if known is not None and age < FRESH_S:
            return known.addresses
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = asyncio.create_task(self._ask(host), name=f"look up {host}")
        await asyncio.wait((task,), timeout=PATIENCE_S if age < USABLE_S else None)
        if task.done() and not task.cancelled() and task.result():
            return self._known[host].addresses
        return known.addresses if known is not None and age < USABLE_S else ()

    def doubt(self, host: str) -> None:
        """Nobody answered there: ask again before the next try."""
        known = self._known.get(host)
        if known is not None:
            self._known[host] = Known(known.addresses, min(known.at, self._clock.monotonic() - FRESH_S))

    async def aclose(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, host: str) -> bool:
        try:
            addresses = await self._lookup(host)
        except (OSError, UnicodeError):
            addresses = ()
        finally:
            self._under_way.pop(host, None)
        if addresses:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[host] = Known(addresses, self._clock.monotonic())
        return bool(addresses)


async def ask_the_system(host: str) -> tuple[Address, ...]:
    found = await asyncio.get_running_loop().getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys((int(family), str(where[0])) for family, _, _, _, where in found))


def _literal(host: str) -> Address | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return (int(family), host)
    return None
