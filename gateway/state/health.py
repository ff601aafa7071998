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
from gateway.state.pair import Pair
from gateway.state.ward import Ward

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
        self._pairs: dict[str, Pair] = {}
        """By offer, as long as all goes well; after anything else they are made anew."""
        self._unsettled: list[Pair] = []
        self._sweep_at = 0.0
        self._stopped_if_after = float("inf")
        self._resumed_at = float("-inf")
        self._tried_anyway: dict[str, float] = {}

    @property
    def offers(self) -> Mapping[str, Vitals]:
        self._settle()
        return self._offers.view()

    @property
    def providers(self) -> Mapping[str, Vitals]:
        self._settle()
        return {name: chart.read() for name, chart in self._providers.charts.items()}

    def look(self, now: float) -> tuple[Mapping[str, Vitals], Mapping[str, Vitals]]:
        """All that planning asks: how the offers are, and the providers that something stands against."""
        self._settle()
        return self._offers.view(), self._providers.resting(now)

    def is_well(self, offers: frozenset[str], providers: frozenset[str], now: float) -> bool:
        """Nothing stands against any of these."""
        if not self._offers.watched and not self._providers.watched:
            return True
        return self._offers.is_well(offers, now) and self._providers.is_well(providers, now)

    def note_start(self, offer: str, provider: str, now: float) -> None:
        if now >= self._sweep_at:
            self._sweep(now)
        pair = self._pairs.get(offer)
        if pair is None or pair.provider != provider:
            self._start(offer, provider)
            return
        pair.begun += 1
        if not pair.unsettled:
            pair.unsettled = True
            self._unsettled.append(pair)

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
        if now > self._stopped_if_after:
            self._resume(now)
        pair = self._pairs.get(offer)
        spoilt = started is not None and started < self._resumed_at
        if failure is not None or spoilt or pair is None or now >= pair.until or pair.provider != provider:
            self._end(offer, provider, now, first_byte_ms, failure, started)
            return
        pair.worked += 1
        if first_byte_ms is not None:
            pair.mine.latencies.add(now, first_byte_ms)
            pair.place.latencies.add(now, first_byte_ms)
        if not pair.unsettled:
            pair.unsettled = True
            self._unsettled.append(pair)

    def tick(self, now: float) -> None:
        """Called about once a second, so that a stop of the whole process is told from providers falling silent."""
        if now > self._stopped_if_after:
            self._resume(now)
        self._stopped_if_after = now + STOPPED_AFTER_S
        if now >= self._sweep_at:
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
        self._part()
        kept = set(offer_names)
        self._rules = rules
        self._provider_of = {name: at for name, at in self._provider_of.items() if name in kept}
        self._offers.adopt(rules, kept)
        self._providers.adopt(rules, set(self._provider_of.values()))
        self._tried_anyway.clear()

    def twin(self, rules: HealthRules, offers: Iterable[str], providers: Iterable[str]) -> "Health":
        """Another that knows what is known of these so far; from now on each learns for itself."""
        self._settle()
        twin = Health(rules)
        self._offers.lend(twin._offers, offers, rules)
        self._providers.lend(twin._providers, providers, rules)
        twin._provider_of = {name: self._provider_of[name] for name in twin._offers.charts}
        return twin

    def _start(self, offer: str, provider: str) -> None:
        mine, place = self._offers.charts.get(offer), self._providers.charts.get(provider)
        if mine is None or place is None:
            mine, place = self._offers.begin(offer), self._providers.begin(provider)
            self._provider_of[offer] = provider
        mine.start()
        place.start()
        self._offers.touched.add(offer)

    def _end(
        self,
        offer: str,
        provider: str,
        now: float,
        first_byte_ms: float | None,
        failure: Failure | None,
        started: float | None,
    ) -> None:
        """Chart by chart; a pair is made where both are well."""
        mine, place = self._offers.charts.get(offer), self._providers.charts.get(provider)
        self._offers.touched.add(offer)
        if failure is not None or (started is not None and started < self._resumed_at):
            self._part()
            self._end_otherwise(mine, place, now, failure, started)
            self._offers.watched.add(offer)
            self._providers.watched.add(provider)
            return
        self._settle()
        if mine is not None:
            mine.end_well(now, first_byte_ms, started)
        if place is not None:
            place.end_well(now, first_byte_ms, started)
        if mine is not None and place is not None:
            self._pair(Pair(offer, provider, mine, place))

    def _end_otherwise(
        self, mine: Chart | None, place: Chart | None, now: float, failure: Failure | None, started: float | None
    ) -> None:
        """It failed, or it was spoilt."""
        spoilt = started is not None and started < self._resumed_at
        weight: Weight = WEIGHTS[failure.kind] if failure is not None and failure.blame != "nobody" else "none"
        for chart in (mine, place):
            if chart is None:
                continue
            if failure is None or spoilt or weight == "none":
                chart.end_undecided(started)
            elif chart is mine or failure.blame == "provider":
                moves = weight == "full" and (chart is place or failure.blame == "offer")
                chart.end_badly(now, failure, started, moves_circuit=moves)
            else:
                chart.end_well(now, None, started)

    def _pair(self, pair: Pair) -> None:
        if pair.until > 0:
            self._pairs[pair.offer] = pair
        else:
            self._pairs.pop(pair.offer, None)

    def _settle(self) -> None:
        """Before anybody reads a chart, or notes in it what is not the same for both of a pair."""
        for pair in self._unsettled:
            pair.settle()
            self._offers.touched.add(pair.offer)
        self._unsettled.clear()

    def _part(self) -> None:
        self._settle()
        self._pairs.clear()

    def _sweep(self, now: float) -> None:
        self._part()
        self._sweep_at = now + self._rules.window_s / BUCKETS
        self._offers.age(now)
        self._providers.age(now)

    def _resume(self, now: float) -> None:
        self._resumed_at = now
        self._stopped_if_after = now + STOPPED_AFTER_S
