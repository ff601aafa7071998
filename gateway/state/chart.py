"""The chart of one offer or one provider: what its attempts came to, read off as vitals."""

from copy import deepcopy

from gateway.domain.moment import Vitals
from gateway.domain.settings import HealthRules
from gateway.domain.trail import Failure
from gateway.state.circuit import Circuit
from gateway.state.window import Latencies, Window

BUCKETS = 12
IMAGINED_SUCCESSES = 5
"""The error rate is failures / (attempts + this): one early failure is no verdict, and none at all is exactly 0."""
LATENCIES_KEPT_WINDOWS = 10
LONGEST_WISH_S = 60.0
"""A provider's own `Retry-After` is believed up to this."""


class Chart:
    """All that is known of one offer or one provider."""

    __slots__ = ("_circuit", "_cooldown_until", "_in_flight", "_limited", "_limited_in_row", "_window", "latencies")

    def __init__(self, rules: HealthRules) -> None:
        self._window = Window(rules.window_s, BUCKETS)
        self.latencies = Latencies(rules.window_s * LATENCIES_KEPT_WINDOWS)
        self._circuit = Circuit(rules)
        self._in_flight = 0
        self._cooldown_until = 0.0
        self._limited = False
        self._limited_in_row = 0

    def start(self) -> None:
        self._in_flight += 1
        if self._circuit.open_until:
            self._circuit.started()

    def end_well(self, now: float, first_byte_ms: float | None, started: float | None) -> None:
        self._in_flight -= 1
        self._limited_in_row = 0
        window = self._window
        if now >= window.ends:
            window.advance(now)
        window.requests += 1
        self._circuit.worked(now, started)
        if first_byte_ms is not None:
            self.latencies.add(now, first_byte_ms)

    @property
    def calm_until(self) -> float:
        """Up to then all that attempts that work change can be noted later; 0 while the circuit is not closed."""
        circuit = self._circuit
        return 0.0 if circuit.open_until else min(self._window.ends, circuit.recent.ends)

    def take(self, begun: int, worked: int) -> None:
        """So many attempts began, and so many worked, and none failed; their latencies are here already."""
        self._in_flight += begun - worked
        self._window.requests += worked
        self._circuit.recent.requests += worked

    def end_badly(self, now: float, failure: Failure, started: float | None, *, moves_circuit: bool) -> None:
        self._in_flight -= 1
        self._window.add(now, failed=True)
        if moves_circuit:
            self._circuit.failed(now, started)
        else:
            self._circuit.undecided(started)
        rest_s = self._rest_s(failure)
        if now + rest_s > max(self._cooldown_until, now):
            self._cooldown_until = now + rest_s
            self._limited = failure.kind == "rate_limited"

    def end_undecided(self, started: float | None) -> None:
        self._in_flight -= 1
        self._circuit.undecided(started)

    def age(self, now: float) -> bool:
        """True if there is less to remember than before."""
        window, latencies = self._window, self.latencies
        before = window.requests, window.failures, len(latencies)
        window.advance(now)
        latencies.age(now)
        return before != (window.requests, window.failures, len(latencies))

    def adopt(self, rules: HealthRules) -> None:
        self._circuit.adopt(rules)
        if rules.window_s != self._window.span_s:
            self._window = Window(rules.window_s, BUCKETS)
            self.latencies.keep_s = rules.window_s * LATENCIES_KEPT_WINDOWS

    def twin(self, rules: HealthRules) -> "Chart":
        """The same past, closed, and with nothing under way."""
        twin = Chart(rules)
        twin._window, twin.latencies = deepcopy(self._window), deepcopy(self.latencies)
        twin.adopt(rules)
        return twin

    def rests(self, now: float) -> bool:
        """Its circuit is not closed, or it was asked for some rest."""
        return self._circuit.open_until > 0 or self._cooldown_until > now

    def read(self) -> Vitals:
        window, circuit = self._window, self._circuit
        failures = window.failures
        return Vitals(
            samples=window.requests,
            error_rate=failures / (window.requests + IMAGINED_SUCCESSES) if failures else 0.0,
            latency_ms=self.latencies.median(),
            open_until=circuit.open_until,
            trials_left=circuit.trials_left if circuit.open_until else 1,
            cooldown_until=self._cooldown_until,
            limited=self._limited,
            in_flight=self._in_flight,
        )

    def _rest_s(self, failure: Failure) -> float:
        """The explicit rest, else the provider's wish within bounds, else a short one that doubles each time."""
        if failure.kind == "rate_limited":
            self._limited_in_row += 1
        wished_s = min(max(failure.retry_after_s or 0.0, 0.0), LONGEST_WISH_S)
        if failure.cooldown_s is not None:
            return max(failure.cooldown_s, wished_s)
        if failure.retry_after_s is None and failure.kind == "rate_limited":
            return min(2.0 ** (self._limited_in_row - 1), LONGEST_WISH_S)
        return wished_s
