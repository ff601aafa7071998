"""The housekeeping of a running gateway: what happens once a second, once a minute, and after every reload."""

import asyncio
import logging
from pathlib import Path

from gateway.domain.snapshot import Snapshot
from gateway.flow.gateway import Gateway
from gateway.state.arms import read_arms
from gateway.state.kept_file import read_or_set_aside, write_whole
from gateway.state.store_error import StoreError

LOG = logging.getLogger("tokenhub")

TICK_S = 1.0
SAVE_EVERY_TICKS = 30


def begin_upkeep(gateway: Gateway) -> None:
    gateway.chores.append(asyncio.create_task(_every_second(gateway)))


async def end_upkeep(gateway: Gateway) -> None:
    for chore in gateway.chores:
        chore.cancel()
    await asyncio.gather(*gateway.chores, return_exceptions=True)
    await save_arms(gateway)


async def _every_second(gateway: Gateway) -> None:
    ticks = 0
    while True:
        await asyncio.sleep(TICK_S)
        ticks += 1
        now = gateway.clock.monotonic()
        gateway.health.tick(now)
        gateway.arms.tick(now)
        gateway.limits.expire(now)
        gateway.overrides.tick(gateway.clock.unix())
        if ticks % SAVE_EVERY_TICKS == 0:
            await save_arms(gateway)


def restore_arms(gateway: Gateway) -> None:
    unix = gateway.clock.unix()
    saved = read_or_set_aside(_arms_file(gateway), read_arms, unix)
    if saved is not None:
        gateway.arms.restore(saved, gateway.clock.monotonic(), unix)


async def save_arms(gateway: Gateway) -> None:
    data = gateway.arms.dump(gateway.clock.monotonic(), gateway.clock.unix())
    try:
        await asyncio.to_thread(write_whole, _arms_file(gateway), data)
    except StoreError as error:
        LOG.warning("what was learnt about offers is not saved: %s", error)


def _arms_file(gateway: Gateway) -> Path:
    return gateway.data_dir / "arms.json"


def adopt_all(gateway: Gateway, snapshot: Snapshot) -> None:
    """After a swap: what is keyed by name survives for the names that are left."""
    table, routing = snapshot.table, snapshot.routing
    names = [offer.name for offer in table.cheapest_first]
    gateway.health.adopt(routing.health, names)
    gateway.arms.adopt(routing.thompson.half_life_s, names, gateway.clock.monotonic())
    gateway.retry_budget.adopt(routing.retries.budget)
    gateway.limits.adopt(snapshot.alerts.shares)
    gateway.upstream.keep_only(table.providers.values())
    gateway.credentials.keep_only(frozenset(provider.identity for provider in table.providers.values()))
    gateway.metrics.reloaded(snapshot.digest)
    gateway.on_last_good = False
