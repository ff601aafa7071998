"""Several workers, one gateway: what one of them is asked, it asks the others too."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.flow.gateway import Gateway
from gateway.flow.history import ReloadOutcome
from gateway.flow.siblings import Answer
from gateway.state.kept_file import write_lightly
from gateway.state.overrides import read_overrides
from gateway.state.store_error import StoreError

RELOAD_S = 60.0


def answers_of(gateway: Gateway) -> Mapping[str, Answer]:
    """What the others may ask this worker."""

    async def metrics(_: bytes) -> bytes:
        return numbers_of(gateway)

    async def status(_: bytes) -> bytes:
        return msgspec.json.encode(worker_told(gateway))

    async def reload(_: bytes) -> bytes:
        outcome = await gateway.reloader.reload("another worker")
        return msgspec.json.encode({"outcome": outcome.outcome, "digest": outcome.digest})

    async def overrides(body: bytes) -> bytes:
        try:
            gateway.overrides.adopt(read_overrides(body))
        except (ValueError, StoreError):
            return b"no"
        return b"ok"

    return {"metrics": metrics, "status": status, "reload": reload, "overrides": overrides}


async def metrics_of_all(gateway: Gateway) -> bytes:
    """One page for all workers; each knows the counters of whoever had its seat before."""
    others = await gateway.siblings.ask("metrics")
    numbers_of(gateway)
    return gateway.metrics.exposition(dump for _, dump in others)


async def reload_all(gateway: Gateway) -> tuple[ReloadOutcome, list[dict[str, Any]]]:
    """This worker first; the others only if it went well here."""
    outcome = await gateway.reloader.reload("admin")
    if not outcome.ok:
        return outcome, []
    others = await gateway.siblings.ask("reload", patience_s=RELOAD_S)
    return outcome, [{"worker": seat} | msgspec.json.decode(said) for seat, said in others]


async def workers_told(gateway: Gateway) -> list[dict[str, Any]]:
    others = [msgspec.json.decode(said) for _, said in await gateway.siblings.ask("status")]
    return sorted([worker_told(gateway), *others], key=lambda row: int(row["worker"]))


async def share_overrides(gateway: Gateway) -> None:
    """At once to the workers beside this one; to other replicas by the shared store, within seconds."""
    await gateway.siblings.ask("overrides", msgspec.json.encode(gateway.overrides.book))


async def last_used_of_all(gateway: Gateway) -> dict[str, float]:
    """By key name, in Unix seconds."""
    latest = dict(gateway.last_used)
    for _, said in await gateway.siblings.ask("status"):
        for name, unix in msgspec.json.decode(said)["last_used"].items():
            latest[name] = max(unix, latest.get(name, 0.0))
    return latest


def worker_told(gateway: Gateway) -> dict[str, Any]:
    return {
        "worker": gateway.seat.number,
        "pid": os.getpid(),
        "config": gateway.live.current.digest,
        "in_flight": gateway.in_flight,
        "uptime_seconds": round(gateway.clock.monotonic() - gateway.started, 3),
        "degraded": list(gateway.degraded()),
        "last_used": gateway.last_used,
    }


def numbers_of(gateway: Gateway) -> bytes:
    """What was shown once is on disk: should this worker die, the next on its seat counts on from there."""
    dump = gateway.metrics.dump()
    folder = gateway.seat.folder
    if folder is not None:
        write_lightly(folder / f"{gateway.seat.number}.metrics", dump)
    return dump


async def keep_numbers(gateway: Gateway) -> None:
    numbers_of(gateway)


def inherit_numbers(gateway: Gateway) -> None:
    folder = gateway.seat.folder
    if folder is None:
        return
    try:
        gateway.metrics.inherit((folder / f"{gateway.seat.number}.metrics").read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return
