"""What is measured: every figure is a ratio of one run, or the CPU that one small thing takes."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from msgspec import Struct
from msgspec.structs import replace

from tests.bench import crowd, decisions, nginx, ours, peers, reloads, streams
from tests.bench.load import Load, LoadError, Target, load
from tests.bench.machine import CORES, MissingError, Process
from tests.bench.ours import Setup

CONNECTIONS = 64
SETTLE_S = 1.0
REST_S = 0.7
"""After each round: what one of them has left to do, as records to ship, does not fall into the round of another."""
STARTS = 8
"""Of two processes of one program one is faster by some hundredths, as long as both live: it lies better in memory."""
ROUNDS_A_START = 2


class Effort(Struct, frozen=True, kw_only=True):
    rounds: int
    seconds: float
    peers: bool

    @property
    def quick(self) -> bool:
        return self.seconds < 1


class Figure(Struct, frozen=True, kw_only=True):
    """One row of the table; without a value it says why."""

    group: str
    name: str
    value: float | None = None
    unit: str = "×"
    goal: str = ""
    floor: str = ""
    why: str = ""


UNARY = "Requests a second on one core, everything on"
ALONE = "Time of a request that is alone (p50)"
OWN = "What our own features and sizes cost"
STREAM = "CPU for each chunk of a stream"
CROWD = "1,000 streams at once, 20 chunks a second each"
ROUTING = "CPU for one routing decision"
CHANGING = "Starting, and taking up a changed configuration"

GOALS = {
    (UNARY, "sglang-router"): ("≥ 1.0", "≥ 0.6"),
    (UNARY, "tensorzero"): ("≥ 2", "≥ 1.2"),
    (UNARY, "portkey"): ("≥ 12", "≥ 7"),
    (UNARY, "litellmproxy"): ("≥ 90", "≥ 50"),
    (ALONE, "sglang-router"): ("≤ 1.0", "≤ 1.5"),
}

Standing = tuple[Target, Process]


def side_by_side(effort: Effort) -> Iterator[Figure]:
    """Ours among the others: throughput on one core, and the time one request takes."""
    with ExitStack() as stack:
        upstream = stack.enter_context(nginx.provider())
        standing: list[Standing] = [stack.enter_context(ours.gateway(upstream, Setup()))]
        standing.append(stack.enter_context(nginx.proxy(upstream)))
        for peer in peers.PEERS if effort.peers else ():
            try:
                standing.append(stack.enter_context(peers.standing(peer, upstream)))
            except MissingError as missing:
                yield Figure(group=UNARY, name=f"against {peer.name}", why=str(missing))
        targets = [target for target, _ in standing]
        for group, connections in ((UNARY, CONNECTIONS), (ALONE, 1)):
            found = interleaved(targets, connections, effort)
            mine = found.pop("tokenhub")
            for name, theirs in found.items():
                ratio = mine.a_second / theirs.a_second if group == UNARY else mine.p50_ms / theirs.p50_ms
                goal, floor = GOALS.get((group, name), ("", ""))
                yield Figure(group=group, name=f"against {name}", value=ratio, goal=goal, floor=floor)


def own_costs(effort: Effort) -> Iterator[Figure]:
    """Ours against itself, with less switched on and in a smaller world."""
    rows = (
        ("limits and ledger on, against off", Setup(), Setup(limits=False, ledger=False), "≥ 0.85"),
        ("10,000 models and keys, against 10", Setup(models=10_000, keys=10_000), Setup(), "≥ 0.9"),
    )
    with nginx.provider() as upstream:
        for name, this, that, floor in rows:
            few = replace(effort, rounds=min(effort.rounds, ROUNDS_A_START))
            ratios = [
                ratio for _ in range(1 if effort.quick else STARTS) for ratio in ratios_of(upstream, this, that, few)
            ]
            yield Figure(group=OWN, name=name, value=statistics.median(ratios), floor=floor)
    yield Figure(group=OWN, name="a second core, `workers: 2`", floor="≥ 1.6", goal="≥ 1.8", why=why_no_second_core())


def ratios_of(upstream: int, this: Setup, that: Setup, effort: Effort) -> list[float]:
    """Of each round, both started anew."""
    with ours.gateway(upstream, this) as (one, _), ours.gateway(upstream, that) as (other, _):
        pair = [renamed(one, "this"), renamed(other, "that")]
        found = rounds_of(pair, CONNECTIONS, effort)
        return [mine.a_second / theirs.a_second for mine, theirs in zip(found["this"], found["that"], strict=True)]


def why_no_second_core() -> str:
    return f"needs three cores, one of them for the load; there are {len(CORES)}"


def chunks(effort: Effort) -> Iterator[Figure]:
    with streams.talker() as upstream, ours.gateway(upstream, Setup()) as (target, process):
        streams.cpu_us_a_chunk(target, process.pid, 1)
        found = [streams.cpu_us_a_chunk(target, process.pid, 1 if effort.quick else 2) for _ in range(effort.rounds)]
        yield Figure(
            group=STREAM, name="passed through", value=statistics.median(found), unit="µs", goal="≤ 25", floor="≤ 40"
        )


def many_streams(effort: Effort) -> Iterator[Figure]:
    streams = 100 if effort.quick else crowd.STREAMS
    found: list[crowd.Crowd] = []
    for _ in range(min(3, effort.rounds)):
        with crowd.talker() as upstream, ours.gateway(upstream, Setup()) as (target, process):
            found.append(crowd.gather(target, process.pid, max(1.0, effort.seconds * 2), streams))
    late_ms = statistics.median(each.late_ms for each in found)
    kib = statistics.median(each.kib_a_stream for each in found)
    share = statistics.median(each.share for each in found) * 100
    yield Figure(
        group=CROWD, name="how late a chunk comes (p99)", value=late_ms, unit="ms", goal="≤ 100", floor="≤ 250"
    )
    yield Figure(group=CROWD, name="memory of one stream", value=kib, unit="KiB", goal="≤ 48", floor="≤ 96")
    yield Figure(group=CROWD, name="the gateway's share of its core", value=share, unit="%")


def routing(effort: Effort) -> Iterator[Figure]:
    for name, cost_us in decisions.costs_us(effort.quick).items():
        named = name == decisions.NAMED
        goal, floor = ("≤ 10", "≤ 25") if named else ("≤ 300", "≤ 1,000")
        yield Figure(group=ROUTING, name=name, value=cost_us, unit="µs", goal=goal, floor=floor)


def changing(effort: Effort) -> Iterator[Figure]:
    ready = statistics.median(reloads.ready_s() for _ in range(1 if effort.quick else 3))
    yield Figure(
        group=CHANGING, name="from the command to ready, 100 models", value=ready, unit="s", goal="≤ 1", floor="≤ 2"
    )
    wait = reloads.longest_wait_ms(1000 if effort.quick else reloads.LARGE)
    yield Figure(
        group=CHANGING,
        name="slowest request while 10,000 models change",
        value=wait,
        unit="ms",
        goal="≤ 25",
        floor="≤ 50",
    )


FIGURES = {
    "peers": side_by_side,
    "own": own_costs,
    "streams": chunks,
    "crowd": many_streams,
    "routing": routing,
    "changing": changing,
}


def interleaved(targets: Sequence[Target], connections: int, effort: Effort) -> dict[str, Load]:
    """The medians of their rounds."""
    return {name: middle(loads) for name, loads in rounds_of(targets, connections, effort).items()}


def rounds_of(targets: Sequence[Target], connections: int, effort: Effort) -> dict[str, list[Load]]:
    """One after the other, round after round, so that a slow moment of the machine hits all of them."""
    time.sleep(SETTLE_S)
    for target in targets:
        load(target, connections, effort.seconds)
    found: dict[str, list[Load]] = {target.name: [] for target in targets}
    for _ in range(effort.rounds):
        for target in targets:
            found[target.name].append(load(target, connections, effort.seconds))
            time.sleep(0 if effort.quick else REST_S)
    return found


def middle(loads: Sequence[Load]) -> Load:
    found = Load(statistics.median(load.a_second for load in loads), statistics.median(load.p50_ms for load in loads))
    if not found.a_second:
        raise LoadError("nothing was answered")
    return found


def renamed(target: Target, name: str) -> Target:
    return Target(name=name, port=target.port, path=target.path, model=target.model, headers=target.headers)
