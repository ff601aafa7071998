"""Open a gateway: files become a snapshot, and the parts around it come alive; and close it again."""

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway import __version__
from gateway.clock import SystemClock
from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import World as ConfigWorld
from gateway.config.load import load
from gateway.domain.snapshot import Snapshot
from gateway.flow.attempt import World
from gateway.flow.credentials import Credentials
from gateway.flow.gateway import Gateway
from gateway.flow.replay import Replays
from gateway.output.judge import Judge
from gateway.state.arms import Arms
from gateway.state.dice import Dice
from gateway.state.health import Health
from gateway.state.ledger.ledger import open_ledger
from gateway.state.live import Live
from gateway.state.metrics import Metrics
from gateway.state.overrides import Overrides
from gateway.state.retry_budget import RetryBudget
from gateway.state.stores.memory import MemoryLimits
from gateway.state.turns import Turns
from gateway.upstream.send import Upstream


class CannotServeError(Exception):
    """The configuration has errors; the report names every one."""

    def __init__(self, report: str) -> None:
        super().__init__(report)
        self.report = report


async def open_gateway(config: Path, env: Mapping[str, str], *, watch: bool) -> Gateway:
    snapshot = first_snapshot(config, env)
    gateway = assemble(snapshot)
    await asyncio.to_thread(gateway.ledger.start)
    return gateway


def first_snapshot(config: Path, env: Mapping[str, str]) -> Snapshot:
    loading = load(config, ConfigWorld(env=env, today=datetime.now(tz=UTC).date()))
    if loading.declaration is None:
        raise CannotServeError("\n\n".join(str(problem) for problem in loading.problems))
    return drive(compile_snapshot(loading))


def assemble(snapshot: Snapshot) -> Gateway:
    """All parts, wired; nothing is listening and nothing is running yet."""
    clock = SystemClock()
    routing = snapshot.routing
    upstream = Upstream(clock=clock)
    health = Health(routing.health)
    budget = RetryBudget(routing.retries.budget)
    metrics = Metrics(__version__)
    metrics.reloaded(snapshot.digest)
    now = clock.monotonic()
    data_dir = Path(snapshot.storage.data_dir)
    return Gateway(
        clock=clock,
        live=Live(snapshot),
        upstream=upstream,
        credentials=Credentials(clock, upstream),
        health=health,
        arms=Arms(routing.thompson.half_life_s),
        turns=Turns(),
        overrides=Overrides(data_dir / "overrides.json"),
        limits=MemoryLimits(now, clock.unix(), snapshot.alerts.shares),
        retry_budget=budget,
        replays=Replays(),
        metrics=metrics,
        ledger=open_ledger(snapshot.storage.ledger.reveal(), data_dir, snapshot.storage.ledger_sync_s, clock),
        judge=Judge(),
        world=World(
            now=clock.monotonic,
            pause=asyncio.sleep,
            luck=random.random,
            may_retry=lambda: budget.may_retry(clock.monotonic()),
            pace_s=lambda offer: pace_s(health, offer),
        ),
        pause=asyncio.sleep,
        dice=Dice(routing.thompson.seed).roll,
        open_streams=set(),
    )


def pace_s(health: Health, offer: str) -> float:
    vitals = health.offers.get(offer)
    return 0.0 if vitals is None or vitals.latency_ms is None else vitals.latency_ms / 1000


async def close_gateway(gateway: Gateway) -> None:
    """In order: what runs has ended, so the wires can be cut."""
    await gateway.upstream.aclose()
    await gateway.judge.aclose()
    await asyncio.to_thread(gateway.ledger.stop)
