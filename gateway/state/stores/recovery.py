"""What the shared store forgot, the ledger knows: caps are rebuilt from it before use, and compared now and then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct

from gateway.state.limits import Spent
from gateway.state.money import usd_of
from gateway.state.store_error import StoreError
from gateway.state.stores.link import Link
from gateway.state.stores.script import RAISE, SEED, key_of
from gateway.ulid import new_ulid

log = logging.getLogger("tokenhub.state")

PATIENCE_S = 2.0
LAG_S = 0.3
"""How long after a loss of the store the last rows of all processes need to reach the ledger."""
COMPARE_EVERY_S = 60.0
TELL_WITHIN_S = 5.0
"""What is in the ledger now, every living process has told the store by then."""


class Reading(Struct, frozen=True):
    """What the ledger said, and when."""

    month: str
    spent: Spent
    at: float


class Recovery:
    """One per process."""

    def __init__(
        self, link: Link, spent_in_ledger: Callable[[str, str], Awaitable[Spent]], unix: Callable[[], float]
    ) -> None:
        self.lag_s = LAG_S
        self._link = link
        self._spent_in_ledger = spent_in_ledger
        self._unix = unix
        self._restoring: dict[str, asyncio.Task[None]] = {}
        self._readings: dict[str, Reading] = {}
        self._compared_at: dict[str, float] = {}

    async def restored(self, name: str, month: str, *, lost: bool) -> None:
        """The store does not know what was spent: nobody may spend before it does. One question for all who wait."""
        task = self._restoring.get(name)
        if task is None:
            task = asyncio.ensure_future(self._restore(name, month, lost=lost))
            self._restoring[name] = task
            task.add_done_callback(lambda _: self._restoring.pop(name, None))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.shield(task)
        except TimeoutError as error:
            raise StoreError("the ledger does not say in time what was spent") from error

    async def reconcile(self, name: str, month: str, now: float) -> None:
        """Reads the ledger, and a little later sees whether the store has heard of all of it."""
        reading = self._readings.get(name)
        try:
            if reading is None:
                if now - self._compared_at.setdefault(name, now) >= COMPARE_EVERY_S:
                    self._readings[name] = Reading(month, await self._spent_in_ledger(name, month), now)
            elif now - reading.at >= TELL_WITHIN_S:
                del self._readings[name]
                self._compared_at[name] = now
                await self._raise(name, reading)
        except StoreError:
            return

    def hurry(self, names: Iterable[str]) -> None:
        """These have a cap since just now: what they used before it is compared at the next occasion."""
        for name in names:
            self._compared_at[name] = float("-inf")
            self._readings.pop(name, None)

    def close(self) -> None:
        for task in self._restoring.values():
            task.cancel()

    async def _restore(self, name: str, month: str, *, lost: bool) -> None:
        if lost:
            await asyncio.sleep(self.lag_s)
        spent = await self._spent_in_ledger(name, month)
        epoch = new_ulid(self._unix())
        await self._link.run(SEED, key_of(name), epoch, month, str(spent.tokens), str(spent.nano_usd))

    async def _raise(self, name: str, reading: Reading) -> None:
        spent = reading.spent
        answer = await self._link.run(RAISE, key_of(name), reading.month, str(spent.tokens), str(spent.nano_usd))
        tokens, nano = (int(each) for each in answer)
        if tokens > spent.tokens / 1000 or nano > spent.nano_usd / 1000:
            log.warning(
                "the shared store had missed %d tokens and $%.6f of the key `%s`; it counts them now",
                tokens,
                usd_of(nano),
                name,
            )
