"""Whether a candidate is as good as what serves: errors, latency and cost of both, compared with their chances.

A difference counts only where chance hardly explains it. During the window the evidence must be strong; at its end
less is enough; where a limit seems to be passed but the evidence is thin, up to two more windows are waited for.
"""

import math
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, field

from gateway.domain.settings import Canary

Move = Literal["wait", "promote", "roll back"]

CERTAIN = 3.3
"""Standard errors beyond the limit that end a trial before its window does; it is looked at every second."""
LIKELY = 1.64
"""At the end of the window: chance explains one in twenty."""
IN_DOUBT = 0.84
"""After the last window: one in five."""
WINDOWS = 3
ENOUGH_TO_COMPARE = 30
"""Requests on the other side, where the candidate's own number asks for more."""


class Sums(Struct):
    """Of a quantity and its square: enough for a mean and its uncertainty."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.squares += value * value

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    @property
    def doubt(self) -> float:
        """The variance of the mean."""
        if self.count < 2:
            return math.inf
        variance = max(0.0, self.squares - self.total * self.total / self.count) / (self.count - 1)
        return variance / self.count


class Score(Struct):
    """What became of the requests of one side."""

    requests: int = 0
    failed: int = 0
    log_seconds: Sums = field(default_factory=Sums)
    """Of served requests: the logarithm, because a few slow ones would drown the rest."""
    usd: Sums = field(default_factory=Sums)

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.requests + other.requests,
            self.failed + other.failed,
            self.log_seconds + other.log_seconds,
            self.usd + other.usd,
        )

    def served(self, seconds: float, usd: float) -> None:
        self.requests += 1
        self.log_seconds.add(math.log(max(seconds, 1e-6)))
        self.usd.add(usd)

    def failed_once(self) -> None:
        self.requests += 1
        self.failed += 1

    @property
    def error_rate(self) -> float:
        return self.failed / self.requests if self.requests else 0.0

    @property
    def typical_seconds(self) -> float | None:
        """The geometric mean."""
        return math.exp(self.log_seconds.mean) if self.log_seconds.count else None

    @property
    def mean_usd(self) -> float | None:
        return self.usd.mean if self.usd.count else None


class Judgement(Struct, frozen=True):
    """What to do, and why in words."""

    move: Move
    why: str


class Finding(Struct, frozen=True):
    """One quantity against its limit."""

    beyond: float
    """Standard errors between the limit and what was seen; negative within the limit."""
    seen: str


def verdict(current: Score, candidate: Score, rules: Canary, elapsed_s: float) -> Judgement:
    """Wait, promote, or roll back."""
    missing = lacking(current, candidate, rules)
    if missing:
        return Judgement("wait", missing)
    findings = tuple(compared(current, candidate, rules))
    worst = max(findings, key=lambda finding: finding.beyond)
    if worst.beyond > patience(elapsed_s / rules.window_s):
        return Judgement("roll back", worst.seen)
    if elapsed_s < rules.window_s:
        return Judgement("wait", f"the window ends in {rules.window_s - elapsed_s:.0f} s")
    if worst.beyond > 0 and elapsed_s < WINDOWS * rules.window_s:
        return Judgement("wait", f"in doubt: {worst.seen}")
    return Judgement("promote", "; ".join(finding.seen for finding in findings))


def lacking(current: Score, candidate: Score, rules: Canary) -> str:
    """Why there cannot be a verdict yet; empty if there can."""
    if candidate.requests < rules.min_requests:
        return f"{candidate.requests} of {rules.min_requests} requests on the candidate"
    wanted = min(rules.min_requests, ENOUGH_TO_COMPARE)
    if current.requests < wanted and rules.share < 1:
        return f"{current.requests} of {wanted} requests on the running configuration"
    return ""


def patience(windows: float) -> float:
    """How many standard errors beyond a limit end the trial, so many windows after its start."""
    if windows < 1:
        return CERTAIN
    return LIKELY if windows < WINDOWS else IN_DOUBT


def compared(current: Score, candidate: Score, rules: Canary) -> Iterator[Finding]:
    yield errors(current, candidate, rules.max_error_increase)
    if current.log_seconds.count > 1 and candidate.log_seconds.count > 1:
        yield latency(current, candidate, rules.max_latency_ratio)
        yield cost(current, candidate, rules.max_cost_ratio)


def errors(current: Score, candidate: Score, most: float) -> Finding:
    """The difference of two shares; one success and one failure more on each side tame small numbers."""
    mine, theirs = (candidate.failed + 1) / (candidate.requests + 2), 0.0
    doubt = mine * (1 - mine) / (candidate.requests + 2)
    if current.requests:
        theirs = (current.failed + 1) / (current.requests + 2)
        doubt += theirs * (1 - theirs) / (current.requests + 2)
    excess = candidate.error_rate - current.error_rate - most
    seen = (
        f"errors {candidate.error_rate:.1%} of {candidate.requests} requests "
        f"against {current.error_rate:.1%} of {current.requests}, {most:.1%} more allowed"
    )
    return Finding(excess / math.sqrt(doubt), seen)


def latency(current: Score, candidate: Score, most: float) -> Finding:
    mine, theirs = candidate.log_seconds, current.log_seconds
    ratio = math.exp(mine.mean - theirs.mean)
    seen = (
        f"latency {spell(math.exp(mine.mean))} against {spell(math.exp(theirs.mean))}, "
        f"{ratio:.2f} times, {most:g} times allowed"
    )
    return Finding(beyond(math.log(ratio / most), mine.doubt + theirs.doubt), seen)


def cost(current: Score, candidate: Score, most: float) -> Finding:
    """Of a request; where what serves costs nothing, anything is too much."""
    mine, theirs = candidate.usd, current.usd
    seen = f"cost ${mine.mean:.6f} a request against ${theirs.mean:.6f}, {most:g} times allowed"
    if mine.mean <= 0:
        return Finding(-math.inf, seen)
    if theirs.mean <= 0:
        return Finding(beyond(mine.mean, mine.doubt), seen)
    doubt = mine.doubt / mine.mean**2 + theirs.doubt / theirs.mean**2
    return Finding(beyond(math.log(mine.mean / theirs.mean / most), doubt), seen)


def beyond(excess: float, doubt: float) -> float:
    """In standard errors; without any doubt, the sign decides."""
    if doubt > 0:
        return excess / math.sqrt(doubt)
    return math.copysign(math.inf, excess) if abs(excess) > 1e-12 else 0.0


def spell(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
