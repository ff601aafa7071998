"""How every offer and every provider is doing, learnt from the attempts really made.

A failure counts against the one it blames. The offer sees every failure in its error rate; the provider sees those
that are its own, and anything else that came back proves it is there. Callers' mistakes count nowhere. An attempt
that was under way when the process itself was stopped counts nowhere either.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from gateway.domain.moment import Vitals
from gateway.domain.settings import HealthRules
from gateway.domain.trail import Failure, FailureKind
from gateway.state.chart import BUCKETS, Chart

STOPPED_AFTER_S = 5.0
"""Two ticks further apart than this mean that the process itself stood still."""
TRY_ANYWAY_EVERY_S = 10.0

Weight = Literal["full", "rate", "none"]
WEIGHTS: Mapping[FailureKind, Weight] = MappingProxyType(
    {
        "transient": "full",
        "garbled": "full",
        "refused": "full",
        "rate_limited": "rate",
        "context_overflow": "none",
        "bad_request": "none",
    }
)
"""Whether a failure moves the circuit and the error rate, the rate alone, or nothing."""


class Health:
    """One per process; every method is synchronous and takes constant time."""

    def __init__(self, rules: HealthRules) -> None:
        self._rules = rules
        self._offers = Ward(rules)
        self._providers = Ward(rules)
        self._provider_of: dict[str, str] = {}
        self._swept_at = 0.0
        self._ticked_at: float | None = None
        self._resumed_at = float("-inf")
        self._tried_anyway: dict[str, float] = {}

    @property
    def offers(self) -> Mapping[str, Vitals]:
        return self._offers.view()

    @property
    def providers(self) -> Mapping[str, Vitals]:
        return self._providers.view()

    def note_start(self, offer: str, provider: str, now: float) -> None:
        if offer not in self._provider_of:
            self._provider_of[offer] = provider
        self._offers.chart(offer).start()
        self._providers.chart(provider).start()
        self._offers.touch(offer)
        self._providers.touch(provider)
        if now - self._swept_at >= self._rules.window_s / BUCKETS:
            self._sweep(now)

    def note_end(
        self,
        offer: str,
        provider: str,
        now: float,
        first_byte_ms: float | None,
        failure: Failure | None,
        started: float | None = None,
    ) -> None:
        """`started` tells stragglers from trials, and attempts that a stop of the process spoilt from real ones."""
        if self._ticked_at is not None and now - self._ticked_at > STOPPED_AFTER_S:
            self._resume(now)
        weight: Weight = WEIGHTS[failure.kind] if failure is not None and failure.blame != "nobody" else "none"
        spoilt = started is not None and started < self._resumed_at
        for ward, name, mine in (
            (self._offers, offer, failure),
            (self._providers, provider, failure if failure is not None and failure.blame == "provider" else None),
        ):
            chart = ward.find(name)
            if chart is None:
                continue
            ward.touch(name)
            if spoilt or (failure is not None and weight == "none"):
                chart.end_undecided(started)
            elif mine is None:
                chart.end_well(now, first_byte_ms if failure is None else None, started)
            else:
                moves = weight == "full" and (ward is self._providers or mine.blame == "offer")
                chart.end_badly(now, mine, started, moves_circuit=moves)

    def tick(self, now: float) -> None:
        """Called about once a second, so that a stop of the whole process is told from providers falling silent."""
        if self._ticked_at is not None and now - self._ticked_at > STOPPED_AFTER_S:
            self._resume(now)
        self._ticked_at = now
        if now - self._swept_at >= self._rules.window_s / BUCKETS:
            self._sweep(now)

    def may_try_anyway(self, now: float, name: str = "") -> bool:
        """Where nothing is healthy: once in a while one request is let through, so that a recovery is noticed soon."""
        if now - self._tried_anyway.get(name, float("-inf")) < TRY_ANYWAY_EVERY_S:
            return False
        if len(self._tried_anyway) > 10_000:
            self._tried_anyway.clear()
        self._tried_anyway[name] = now
        return True

    def adopt(self, rules: HealthRules, offer_names: Iterable[str]) -> None:
        """After a reload: what is known survives by name, what is gone is forgotten."""
        kept = set(offer_names)
        self._rules = rules
        self._provider_of = {name: at for name, at in self._provider_of.items() if name in kept}
        self._offers.adopt(rules, kept)
        self._providers.adopt(rules, set(self._provider_of.values()))
        self._tried_anyway.clear()

    def twin(self, rules: HealthRules, offers: Iterable[str], providers: Iterable[str]) -> "Health":
        """Another that knows what is known of these so far; from now on each learns for itself."""
        twin = Health(rules)
        self._offers.lend(twin._offers, offers, rules)
        self._providers.lend(twin._providers, providers, rules)
        return twin

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        self._offers.age(now)
        self._providers.age(now)

    def _resume(self, now: float) -> None:
        self._resumed_at = now
        self._ticked_at = now


class Ward:
    """Charts by name, and the vitals read from them; a chart that was touched is read again when somebody looks."""

    __slots__ = ("_charts", "_proxy", "_rules", "_touched", "_vitals")

    def __init__(self, rules: HealthRules) -> None:
        self._rules = rules
        self._charts: dict[str, Chart] = {}
        self._vitals: dict[str, Vitals] = {}
        self._touched: set[str] = set()
        self._proxy: Mapping[str, Vitals] = MappingProxyType(self._vitals)

    def chart(self, name: str) -> Chart:
        chart = self._charts.get(name)
        if chart is None:
            chart = self._charts[name] = Chart(self._rules)
        return chart

    def find(self, name: str) -> Chart | None:
        return self._charts.get(name)

    def touch(self, name: str) -> None:
        self._touched.add(name)

    def view(self) -> Mapping[str, Vitals]:
        if self._touched:
            for name in self._touched:
                self._vitals[name] = self._charts[name].read()
            self._touched.clear()
        return self._proxy

    def age(self, now: float) -> None:
        for name, chart in self._charts.items():
            if chart.age(now):
                self._touched.add(name)

    def lend(self, other: "Ward", names: Iterable[str], rules: HealthRules) -> None:
        for name in names:
            chart = self._charts.get(name)
            if chart is not None:
                other.take_over(name, chart.twin(rules))

    def take_over(self, name: str, chart: Chart) -> None:
        self._charts[name] = chart
        self._touched.add(name)

    def adopt(self, rules: HealthRules, names: set[str]) -> None:
        self._rules = rules
        for name in [name for name in self._charts if name not in names]:
            del self._charts[name]
            self._vitals.pop(name, None)
            self._touched.discard(name)
        for name, chart in self._charts.items():
            chart.adopt(rules)
            self._touched.add(name)
