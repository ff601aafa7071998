"""What Prometheus may ask: counted in plain objects while requests run, put into its words at the scrape.

Labels come from closed sets (routes, status codes, names in the configuration); nothing a caller writes becomes one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from gateway.domain.answer import Usage
from gateway.domain.trail import Attempt
from gateway.state.tally import SERIES, Count, Labels, Row, Spread, Tally

K = TypeVar("K")
V = TypeVar("V")
Gauges = Callable[[], Mapping[str, float]]

LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
FIRST_BYTE_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0)
NOTHING = ""

GAUGES: Mapping[str, str] = {
    "in_flight": "Requests being served now",
    "journal_lag_records": "Records in the journal that the ledger does not have yet",
    "journal_bytes": "Size of the journal on disk",
    "journal_lost_records": "Records that the disk refused and for which there was no room to wait, since the start",
    "clock_skew_seconds": "How far the wall clock has moved against the monotonic one since the start",
    "state_store_up": "1 while the shared store answers",
}


class Dump(msgspec.Struct, frozen=True):
    """All numbers of one process, for the one that answers the scrape."""

    tallies: dict[str, list[tuple[Labels, float]]]
    spreads: dict[str, list[tuple[Labels, list[float]]]]
    gauges: dict[str, float]
    degraded: list[str]
    digest: str
    candidate: str = ""


class Answered(msgspec.Struct, frozen=True):
    """Where the answers of one endpoint with one status from one offer are counted."""

    requests: Count
    seconds: Row


class Worked(msgspec.Struct):
    """Where the calls to one offer that worked are counted."""

    calls: Count
    first_byte_s: Row | None = None
    """From the first that had one."""


class Used(msgspec.Struct):
    """Where the tokens of one model at one provider are counted, each kind from its first on."""

    provider: str
    model: str
    input: Count | None = None
    cache_read: Count | None = None
    cache_write: Count | None = None
    output: Count | None = None
    reasoning: Count | None = None
    cost: Count | None = None


class Metrics:
    """One per process."""

    def __init__(self, version: str = "") -> None:
        self._version = version
        self._digest = NOTHING
        self._candidate = NOTHING
        self._gauges: Gauges = dict
        self._degraded: Callable[[], Iterable[str]] = tuple
        self._requests = Tally("requests", "Requests answered", ("endpoint", "status", "provider", "model"))
        self._attempts = Tally("attempts", "Calls made to providers", ("offer", "outcome"))
        self._tokens = Tally("tokens", "Tokens used", ("provider", "model", "kind"))
        self._cost = Tally("cost_usd", "US dollars spent", ("provider", "model"))
        self._reloads = Tally("config_reloads", "Attempts to load a new configuration", ("outcome",))
        self._sides = Tally("canary_requests", "Requests compared while a candidate is tried", ("side", "outcome"))
        self._fates = Tally("canary_outcomes", "What became of candidates", ("outcome",))
        self._events = Tally("events", "Things worth an alert", ("event",))
        self._seconds = Spread("request_seconds", "From the request to the end of its answer", ("endpoint",), LATENCY_S)
        self._first = Spread("first_byte_seconds", "From a call to its first byte", ("offer",), FIRST_BYTE_S)
        self._answered: dict[tuple[str, int, str, str], Answered] = {}
        self._worked: dict[str, Worked] = {}
        self._used: dict[Labels, Used] = {}
        """What requests count in, found by what they know."""

    def watch(self, gauges: Gauges, degraded: Callable[[], Iterable[str]]) -> None:
        """Where to read, at a scrape, what is not counted but true at that moment. Gauges are named in GAUGES."""
        self._gauges = gauges
        self._degraded = degraded

    def answered(
        self, endpoint: str, status: int, provider: str = NOTHING, model: str = NOTHING, seconds: float | None = None
    ) -> None:
        if seconds is None:
            self._requests.add((endpoint, str(status), provider, model))
            return
        answered = self._answered.get((endpoint, status, provider, model))
        if answered is None:
            answered = self._begin_answered(endpoint, status, provider, model)
        answered.requests.amount += 1
        answered.seconds.add(seconds)

    def attempted(self, attempt: Attempt) -> None:
        offer, failure = attempt.offer, attempt.failure
        if failure is not None:
            self._attempts.add((offer, failure.kind))
            return
        worked = self._worked.get(offer)
        if worked is None:
            worked = kept(self._worked, offer, Worked(self._attempts.at((offer, "ok"))))
        worked.calls.amount += 1
        first_byte_ms, row = attempt.first_byte_ms, worked.first_byte_s
        if first_byte_ms is None:
            return
        if row is None:
            row = worked.first_byte_s = self._first.at((offer,))
        row.add(first_byte_ms / 1000)

    def used(self, provider: str, model: str, usage: Usage, cost_usd: float) -> None:
        used = self._used.get((provider, model))
        if used is None:
            used = kept(self._used, (provider, model), Used(provider, model))
        if tokens := usage.input_tokens + usage.audio_input_tokens + usage.image_tokens:
            (used.input or self._begin_used(used, "input")).amount += tokens
        if tokens := usage.cache_read_tokens:
            (used.cache_read or self._begin_used(used, "cache_read")).amount += tokens
        if tokens := usage.cache_write_tokens:
            (used.cache_write or self._begin_used(used, "cache_write")).amount += tokens
        if tokens := usage.output_tokens + usage.audio_output_tokens:
            (used.output or self._begin_used(used, "output")).amount += tokens
        if tokens := usage.reasoning_tokens:
            (used.reasoning or self._begin_used(used, "reasoning")).amount += tokens
        if cost_usd:
            (used.cost or self._begin_used(used, "cost")).amount += cost_usd

    def reloaded(self, digest: str) -> None:
        self._reloads.add(("ok",))
        self._digest = digest

    def reload_failed(self) -> None:
        self._reloads.add(("failed",))

    def tried(self, side: str, *, failed: bool) -> None:
        self._sides.add((side, "failed" if failed else "ok"))

    def candidate_is(self, outcome: str, digest: str) -> None:
        """`digest` is empty where nothing is tried now."""
        self._fates.add((outcome,))
        self._candidate = digest

    def note(self, event: str) -> None:
        """`event` is a word of the code, never of a caller."""
        self._events.add((event,))

    def dump(self) -> bytes:
        """For another worker, which answers the scrape."""
        return msgspec.msgpack.encode(
            Dump(
                {tally.name: list(tally.values.items()) for tally in self._tallies()},
                {spread.name: list(spread.values.items()) for spread in self._spreads()},
                dict(self._gauges()),
                list(self._degraded()),
                self._digest,
                self._candidate,
            )
        )

    def inherit(self, data: bytes) -> Dump:
        """Counts on from where another stood; what is only true at a moment is left to the other."""
        dump = msgspec.msgpack.decode(data, type=Dump)
        for tally in self._tallies():
            tally.merge(dump.tallies.get(tally.name, []))
        for spread in self._spreads():
            spread.merge(dump.spreads.get(spread.name, []))
        return dump

    def exposition(self, others: Iterable[bytes] = ()) -> bytes:
        """Prometheus text of this process, and of the workers beside it."""
        whole = Metrics(self._version)
        dumps = [whole.inherit(data) for data in (self.dump(), *others)]
        registry = CollectorRegistry()
        registry.register(Page(whole._tallies(), whole._spreads(), dumps, self._version))
        return generate_latest(registry)

    def _begin_answered(self, endpoint: str, status: int, provider: str, model: str) -> Answered:
        requests = self._requests.at((endpoint, str(status), provider, model))
        answered = Answered(requests, self._seconds.at((endpoint,)))
        return kept(self._answered, (endpoint, status, provider, model), answered)

    def _begin_used(self, used: Used, kind: str) -> Count:
        labels = (used.provider, used.model)
        count = self._cost.at(labels) if kind == "cost" else self._tokens.at((*labels, kind))
        setattr(used, kind, count)
        return count

    def _tallies(self) -> tuple[Tally, ...]:
        counted = (self._requests, self._attempts, self._tokens, self._cost)
        return (*counted, self._reloads, self._sides, self._fates, self._events)

    def _spreads(self) -> tuple[Spread, ...]:
        return (self._seconds, self._first)


def kept(found: dict[K, V], name: K, value: V) -> V:
    """Not for ever: names come and go with configurations."""
    if len(found) >= SERIES:
        found.clear()
    found[name] = value
    return value


class Page(Collector):
    """One scrape in the library's words."""

    def __init__(
        self, tallies: tuple[Tally, ...], spreads: tuple[Spread, ...], dumps: list[Dump], version: str
    ) -> None:
        self._tallies = tallies
        self._spreads = spreads
        self._dumps = dumps
        self._version = version

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily | GaugeMetricFamily]:
        for tally in self._tallies:
            counter = CounterMetricFamily(f"tokenhub_{tally.name}", tally.help, labels=tally.labels)
            for labels, amount in tally.values.items():
                counter.add_metric(labels, amount)
            yield counter
        for spread in self._spreads:
            yield _histogram(spread)
        yield from self._standing()

    def _standing(self) -> Iterator[GaugeMetricFamily]:
        for name, told in GAUGES.items():
            values = [dump.gauges[name] for dump in self._dumps if name in dump.gauges]
            if values:
                lowest = name == "state_store_up"
                yield GaugeMetricFamily(f"tokenhub_{name}", told, value=min(values) if lowest else sum(values))
        degraded = GaugeMetricFamily("tokenhub_degraded", "What does not work as it should", labels=("what",))
        for what in sorted({what for dump in self._dumps for what in dump.degraded}):
            degraded.add_metric((what,), 1.0)
        yield degraded
        labels = ("digest", "version", "role")
        info = GaugeMetricFamily("tokenhub_config_info", "The configuration that serves, and one tried", labels=labels)
        known = {(dump.digest, "running") for dump in self._dumps} | {
            (one.candidate, "candidate") for one in self._dumps
        }
        for digest, role in sorted(known):
            if digest:
                info.add_metric((digest[:12], self._version, role), 1.0)
        yield info


def _histogram(spread: Spread) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"tokenhub_{spread.name}", spread.help, labels=spread.labels)
    for labels, row in spread.values.items():
        buckets, total = [], 0.0
        for bound, count in zip((*spread.bounds, float("inf")), row, strict=False):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else repr(bound), total))
        family.add_metric(labels, buckets, row[-1])
    return family
