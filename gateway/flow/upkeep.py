"""The housekeeping of a running gateway: what happens once a second, now and then, and after every reload."""

import asyncio
import logging
from pathlib import Path

from gateway.domain.snapshot import Snapshot
from gateway.flow.fleet import keep_numbers
from gateway.flow.gateway import Gateway
from gateway.flow.ladder_file import LOOK_S
from gateway.flow.last_used import save_last_used
from gateway.state.arms import read_arms
from gateway.state.kept_file import read_or_set_aside, write_whole
from gateway.state.limits import is_capped
from gateway.state.store_error import StoreError
from gateway.state.stores.memory import MemoryLimits

LOG = logging.getLogger("tokenhub")

TICK_S = 1.0
SAVE_ARMS_S = 30.0
FORGET_S = 3600.0
COUNT_AGAIN_S = 1.0


def begin_upkeep(gateway: Gateway) -> None:
    chores = gateway.chores
    chores.every(TICK_S, "housekeeping", lambda: tick(gateway))
    chores.every(SAVE_ARMS_S, "what was learnt about offers is not saved", lambda: save_arms(gateway))
    chores.every(SAVE_ARMS_S, "when keys were used is not saved", lambda: save_last_used(gateway))
    if gateway.seat.first:
        chores.every(FORGET_S, "old records are not deleted", lambda: forget_old(gateway))
    if gateway.seat.folder is not None:
        chores.every(TICK_S, "the numbers of this worker are not kept", lambda: keep_numbers(gateway))
    chores.every(LOOK_S, "the file of the ladder", gateway.ladder_file.look)
    chores.add(gateway.alerting.deliver())
    if not gateway.sums_known:
        chores.add(count_again(gateway))
    if gateway.together is not None:
        gateway.together.begin(chores, gateway.clock.monotonic)


async def end_upkeep(gateway: Gateway) -> None:
    await gateway.chores.aclose()
    try:
        await save_arms(gateway)
        await save_last_used(gateway)
    except StoreError as error:
        LOG.warning("what was learnt about offers, or when keys were used, is not saved: %s", error)


async def tick(gateway: Gateway) -> None:
    now = gateway.clock.monotonic()
    gateway.health.tick(now)
    gateway.arms.tick(now)
    gateway.limits.expire(now)
    gateway.ledger.tick()
    gateway.overrides.tick(gateway.clock.unix())
    trial = gateway.canary.trial
    if trial is not None:
        trial.health.tick(now)
        trial.arms.tick(now)
    await gateway.canary.tick()


async def forget_old(gateway: Gateway) -> None:
    """Sums by day stay; so does the audit."""
    records = gateway.live.current.records
    await gateway.ledger.forget("requests", records.keep_s)
    await gateway.ledger.forget("bodies", records.bodies_keep_s)


async def count_sums(gateway: Gateway, patience_s: float) -> bool:
    """What each key spent this month, once everything that was left behind is in the ledger."""
    limits = gateway.limits
    if not isinstance(limits, MemoryLimits):
        return True
    if not await gateway.ledger.recovered(patience_s):
        return False
    try:
        limits.restore(await gateway.ledger.spent(gateway.clock.unix()))
    except StoreError as error:
        LOG.warning("keys with a monthly cap have to wait: %s", error)
        return False
    return True


async def count_again(gateway: Gateway) -> None:
    while not gateway.sums_known:
        await asyncio.sleep(COUNT_AGAIN_S)
        gateway.sums_known = await count_sums(gateway, COUNT_AGAIN_S)


def restore_arms(gateway: Gateway) -> None:
    unix = gateway.clock.unix()
    saved = read_or_set_aside(_arms_file(gateway), read_arms, unix)
    if saved is not None:
        gateway.arms.restore(saved, gateway.clock.monotonic(), unix)


async def save_arms(gateway: Gateway) -> None:
    data = gateway.arms.dump(gateway.clock.monotonic(), gateway.clock.unix())
    await asyncio.to_thread(write_whole, _arms_file(gateway), data)


def _arms_file(gateway: Gateway) -> Path:
    return gateway.data_dir / "arms.json"


def adopt_all(gateway: Gateway, snapshot: Snapshot) -> None:
    """After a swap: what is keyed by name survives for the names that are left."""
    table, routing = snapshot.table, snapshot.routing
    names = [offer.name for offer in table.cheapest_first]
    gateway.health.adopt(routing.health, names)
    gateway.arms.adopt(routing.thompson.half_life_s, names, gateway.clock.monotonic())
    gateway.retry_budget.adopt(routing.retries.budget)
    capped = capped_keys(snapshot)
    gateway.limits.adopt(snapshot.alerts.shares, tuple(capped - gateway.capped))
    gateway.capped = capped
    if gateway.together is not None:
        gateway.together.limits.share.of(gateway.seat.of * snapshot.server.replicas)
    let_go(gateway, snapshot)
    gateway.metrics.reloaded(snapshot.digest)
    gateway.on_last_good = False


def let_go(gateway: Gateway, snapshot: Snapshot) -> None:
    """Connections and tokens that nothing in this configuration needs."""
    providers = snapshot.table.providers.values()
    gateway.upstream.keep_only(providers)
    gateway.credentials.keep_only(frozenset(provider.identity for provider in providers))


def capped_keys(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(key.name for key in snapshot.keys.values() if is_capped(key.limits))
