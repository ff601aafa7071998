"""Open a gateway: files become a snapshot, and the parts around it come alive; and close it again."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from gateway import __version__
from gateway.clock import SystemClock
from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import Loading
from gateway.domain.snapshot import Snapshot
from gateway.flow.alerting import Alerting
from gateway.flow.audit_reloads import audit_reload
from gateway.flow.canary import Canary
from gateway.flow.canary_fleet import answers_about_candidates
from gateway.flow.chores import Chores
from gateway.flow.credentials import Credentials
from gateway.flow.first_load import CannotServeError, FirstLoading, first_loading
from gateway.flow.fleet import answers_of, inherit_numbers
from gateway.flow.gateway import Gateway
from gateway.flow.history import History
from gateway.flow.ladder_file import LadderKeeper, ladder_path
from gateway.flow.last_used import restore_last_used
from gateway.flow.prove import failed_tests
from gateway.flow.reload import Reloader, Source
from gateway.flow.replay import Replays
from gateway.flow.seat import ALONE, Seat
from gateway.flow.siblings import Siblings
from gateway.flow.sides import around
from gateway.flow.together import alone, together_with
from gateway.flow.upkeep import adopt_all, begin_upkeep, capped_keys, count_sums, end_upkeep, restore_arms
from gateway.flow.world import world_of
from gateway.output.judge import Judge
from gateway.secret import Secret
from gateway.state.arms import Arms
from gateway.state.dice import Dice
from gateway.state.health import Health
from gateway.state.ledger.ledger import open_ledger, ship_leftovers
from gateway.state.live import Live
from gateway.state.metrics import Metrics
from gateway.state.overrides import Overrides
from gateway.state.retry_budget import RetryBudget
from gateway.state.store_error import StoreError
from gateway.state.traces import open_traces
from gateway.state.turns import Turns
from gateway.upstream.send import Upstream

LOG = logging.getLogger("tokenhub")

RECOVERY_S = 5.0
"""How long a start waits for the sums of the month; after that, keys with a cap wait for them instead."""


async def open_gateway(
    config: Path, env: Mapping[str, str], *, watch: bool, first: FirstLoading | None = None, seat: Seat = ALONE
) -> Gateway:
    """Ready to serve: loaded, recovered, watching."""
    first = first or await first_loading(config, env)
    snapshot = drive(compile_snapshot(first.fallback or first.loading))
    try:
        gateway = assemble(config, env, first.loading, snapshot, seat)
    except StoreError as error:
        raise CannotServeError(str(error)) from error
    try:
        await recover(gateway)
    except (StoreError, CannotServeError) as error:
        await asyncio.to_thread(gateway.ledger.stop)
        raise CannotServeError(str(error)) from error
    gateway.on_last_good = first.fallback is not None
    gateway.reloader.adopt.append(lambda snapshot: adopt_all(gateway, snapshot))
    gateway.reloader.prove = lambda loading, snapshot: failed_tests(loading, snapshot, gateway.clock.unix())
    gateway.reloader.refused.append(gateway.metrics.reload_failed)
    gateway.reloader.paused = lambda: gateway.draining
    gateway.reloader.told.append(lambda outcome: audit_reload(gateway, outcome) if seat.first else None)
    gateway.reloader.spare = seat.folder if seat.first else None
    await gateway.reloader.start(watch=watch)
    await gateway.reloader.keep(first.loading)
    gateway.reloader.adopt.append(gateway.canary.restart)
    gateway.reloader.asked.append(gateway.canary.look)
    await gateway.canary.start(around(gateway), watch=watch)
    begin_upkeep(gateway)
    await meet_siblings(gateway)
    for file in gateway.reloader.watch.footprint.frozen:
        LOG.warning("%s is a mount of its own (subPath, or a single file): it will never change while we run", file)
    return gateway


async def meet_siblings(gateway: Gateway) -> None:
    inherit_numbers(gateway)
    await gateway.siblings.begin({**answers_of(gateway), **answers_about_candidates(gateway)})


def assemble(config: Path, env: Mapping[str, str], loading: Loading, snapshot: Snapshot, seat: Seat) -> Gateway:
    """All parts, wired; nothing is listening and nothing is running yet."""
    clock = SystemClock()
    routing = snapshot.routing
    data_dir = Path(snapshot.storage.data_dir)
    upstream = Upstream(clock=clock)
    health = Health(routing.health)
    budget = RetryBudget(routing.retries.budget)
    live = Live(snapshot)
    metrics = Metrics(__version__)
    metrics.reloaded(snapshot.digest)
    storage = snapshot.storage
    ledger = open_ledger(
        storage.ledger.reveal(), data_dir, storage.ledger_sync_s, clock, worker=seat.number, held=seat.of > 1
    )
    arms, overrides = Arms(routing.thompson.half_life_s), Overrides(data_dir / "overrides.json")
    together = together_with(snapshot, clock, ledger, overrides, arms, seat.of)
    reloader = Reloader(Source(config, env), live, clock, History(data_dir if seat.first else None), loading)
    return Gateway(
        clock=clock,
        live=live,
        upstream=upstream,
        credentials=Credentials(clock, upstream),
        health=health,
        arms=arms,
        turns=Turns(),
        overrides=overrides,
        ladder_file=LadderKeeper(ladder_path(env), overrides.use_file_ladder),
        limits=alone(snapshot, clock) if together is None else together.limits,
        together=together,
        retry_budget=budget,
        replays=Replays(alone=seat.of == 1),
        metrics=metrics,
        ledger=ledger,
        judge=Judge(),
        world=world_of(clock, budget, health),
        pause=asyncio.sleep,
        dice=Dice(routing.thompson.seed).roll,
        reloader=reloader,
        canary=Canary(reloader, live, clock, env),
        data_dir=data_dir,
        alerting=Alerting(upstream, metrics, clock, lambda: live.current.alerts.webhook),
        chores=Chores(),
        open_streams=set(),
        admin_token=Secret(token) if (token := env.get("TOKENHUB_ADMIN_TOKEN")) else None,
        traces=open_traces(env, __version__),
        started=clock.monotonic(),
        last_used={},
        seat=seat,
        siblings=Siblings(seat),
        capped=capped_keys(snapshot),
    )


async def recover(gateway: Gateway) -> None:
    """What earlier processes left: journals are shipped, spending is remembered, arms and overrides are read."""
    unix = gateway.clock.unix()
    gateway.overrides.load(unix)
    gateway.ladder_file.begin()
    restore_arms(gateway)
    restore_last_used(gateway)
    if gateway.seat.first:
        await asyncio.to_thread(bring_in_leftovers, gateway)
    await asyncio.to_thread(gateway.ledger.start)
    gateway.sums_known = await count_sums(gateway, RECOVERY_S)
    if gateway.together is not None:
        gateway.together.limits.on_alert = gateway.alerting.report
    gateway.metrics.watch(lambda: gauges(gateway), gateway.degraded)


def bring_in_leftovers(gateway: Gateway) -> None:
    """There may have been more workers before."""
    storage, seat = gateway.live.current.storage, gateway.seat
    ship_leftovers(storage.ledger.reveal(), gateway.data_dir, seat.of, gateway.clock, held=seat.of > 1)


def gauges(gateway: Gateway) -> dict[str, float]:
    """What is true at the moment of a scrape."""
    told = {
        "in_flight": gateway.in_flight,
        "journal_lag_records": gateway.ledger.lag,
        "journal_bytes": gateway.ledger.size_bytes,
        "journal_lost_records": gateway.ledger.lost,
        "clock_skew_seconds": gateway.skew_s,
    }
    return told if gateway.together is None else told | {"state_store_up": float(not gateway.together.link.down)}


async def close_gateway(gateway: Gateway) -> None:
    """In order: nothing new comes in, what runs has ended, so the wires can be cut; the ledger is flushed last."""
    await gateway.canary.aclose()
    await gateway.siblings.aclose()
    await gateway.reloader.aclose()
    await end_upkeep(gateway)
    if gateway.together is not None:
        await gateway.together.limits.aclose()
    await gateway.upstream.aclose()
    await gateway.judge.aclose()
    await asyncio.to_thread(gateway.ledger.stop)
    if gateway.traces is not None:
        await asyncio.to_thread(gateway.traces.close)
