"""What several processes of one gateway share through Redis or Valkey: limits, overrides, and what arms have learnt."""

import logging
from collections.abc import Awaitable, Callable

from msgspec import Struct

from gateway.clock import Clock
from gateway.domain.snapshot import Snapshot
from gateway.flow.chores import Chores
from gateway.state.arms import Arms
from gateway.state.calendar import Calendar
from gateway.state.ledger.ledger import Ledger
from gateway.state.limits import Spent
from gateway.state.overrides import Overrides
from gateway.state.store_error import StoreError
from gateway.state.stores.link import Link
from gateway.state.stores.memory import MemoryLimits
from gateway.state.stores.redis import EVERY_S as TOUCH_S
from gateway.state.stores.redis import RedisLimits
from gateway.state.stores.sharing import EVERY_S as SHARE_S
from gateway.state.stores.sharing import Sharing
from gateway.ulid import new_ulid

LOG = logging.getLogger("tokenhub")
RECOVERY_S = 1.0
"""How long a question for sums waits for the journal of an earlier process."""


class Together(Struct, frozen=True, eq=False):
    """The parts that speak with the shared store."""

    link: Link
    limits: RedisLimits
    sharing: Sharing

    def begin(self, chores: Chores, now: Callable[[], float]) -> None:
        chores.add(self._look_at_the_store())
        chores.every(TOUCH_S, "limits are not shared", self.limits.keep_in_touch)
        chores.every(SHARE_S, "overrides are not shared", lambda: self.sharing.round(now()))

    async def _look_at_the_store(self) -> None:
        try:
            await self.link.warn_if_forgetful()
        except StoreError as error:
            LOG.warning("%s", error)


def together_with(
    snapshot: Snapshot, clock: Clock, ledger: Ledger, overrides: Overrides, arms: Arms, workers: int
) -> Together | None:
    """None for a process that keeps its counters to itself."""
    url = snapshot.storage.state.reveal()
    if url.startswith("memory:"):
        return None
    link = Link(url.replace("valkey", "redis", 1) if url.startswith("valkey") else url, clock.monotonic)
    calendar = Calendar(clock.monotonic(), clock.unix())
    processes = workers * snapshot.server.replicas
    limits = RedisLimits(link, calendar, clock.monotonic, sums_of(ledger), processes)
    limits.adopt(snapshot.alerts.shares)
    return Together(link, limits, Sharing(link, overrides, arms, new_ulid(clock.unix())))


def alone(snapshot: Snapshot, clock: Clock) -> MemoryLimits:
    return MemoryLimits(clock.monotonic(), clock.unix(), snapshot.alerts.shares)


def sums_of(ledger: Ledger) -> Callable[[str, str], Awaitable[Spent]]:
    """What a key spent, but only once all that was left behind is counted."""

    async def spent_by(key: str, month: str) -> Spent:
        if not await ledger.recovered(RECOVERY_S):
            raise StoreError("the ledger does not have everything yet that an earlier process wrote")
        return await ledger.spent_by(key, month)

    return spent_by
