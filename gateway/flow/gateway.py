"""Everything one process holds between requests."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from msgspec import Struct, field

from gateway.clock import Clock
from gateway.domain.moment import Moment
from gateway.domain.snapshot import Snapshot
from gateway.flow.alerting import Alerting
from gateway.flow.attempt import World
from gateway.flow.canary import Canary
from gateway.flow.chores import Chores
from gateway.flow.credentials import Credentials
from gateway.flow.ladder_file import LadderKeeper
from gateway.flow.reload import Reloader
from gateway.flow.replay import Replays
from gateway.flow.seat import ALONE, Seat
from gateway.flow.siblings import Siblings
from gateway.flow.together import Together
from gateway.flow.trial import Experience
from gateway.output.judge import Judge
from gateway.secret import Secret
from gateway.state.arms import Arms
from gateway.state.health import Health
from gateway.state.ledger.ledger import Ledger
from gateway.state.limits import LimitStore
from gateway.state.live import Live
from gateway.state.metrics import Metrics
from gateway.state.overrides import Overrides
from gateway.state.retry_budget import RetryBudget
from gateway.state.strangers import Strangers
from gateway.state.traces import Traces
from gateway.state.turns import Turns
from gateway.upstream.send import Upstream

SKEW_S = 5.0
"""More than this between the wall clock and the monotonic one is worth a word."""


class Gateway(Struct, kw_only=True, eq=False):
    """The long-lived parts, made once at the start and shared by all requests."""

    clock: Clock
    live: Live
    upstream: Upstream
    credentials: Credentials
    health: Health
    arms: Arms
    turns: Turns
    overrides: Overrides
    ladder_file: LadderKeeper
    limits: LimitStore
    together: Together | None
    """What is shared with other processes, where there are any."""
    retry_budget: RetryBudget
    replays: Replays
    strangers: Strangers = field(default_factory=Strangers)
    metrics: Metrics
    ledger: Ledger
    judge: Judge
    world: World
    pause: Callable[[float], Awaitable[None]]
    dice: Callable[[], int]
    reloader: Reloader
    canary: Canary
    data_dir: Path
    alerting: Alerting
    chores: Chores
    open_streams: set[Callable[[], None]]
    """One for each stream under way: breaks it off with a last frame."""
    admin_token: Secret | None
    started: float
    """Monotonic seconds."""
    last_used: dict[str, float]
    """By name of a key, and of its digests where it has several: Unix seconds."""
    traces: Traces | None = None
    """None unless spans are wanted."""
    in_flight: int = 0
    uploading: int = 0
    """Requests whose bodies are still on their way."""
    seat: Seat = ALONE
    siblings: Siblings = field(default_factory=lambda: Siblings(ALONE))
    capped: frozenset[str] = frozenset()
    """The keys that have a monthly cap."""
    sums_known: bool = True
    """False while nobody has counted what was spent this month before this process began."""
    on_last_good: bool = False
    """The files were broken at the start: the last configuration that worked serves."""
    draining: bool = False
    """Not ready for new work; what runs is finished."""

    @property
    def skew_s(self) -> float:
        return self.limits.calendar.skew_s(self.clock.monotonic(), self.clock.unix())

    def experience_of(self, snapshot: Snapshot | None) -> Experience:
        """What the requests of this configuration have learnt."""
        trial = self.canary.trial
        return self if trial is None or snapshot is not trial.snapshot else trial

    def degraded(self) -> Iterator[str]:
        """What does not work as it should, in words for status and readiness."""
        if self.overrides.disabled_providers:
            yield "providers-disabled"
        yield from self.ledger.degraded()
        if not self.sums_known:
            yield "sums-unknown"
        if self.together is not None and self.together.link.failures:
            yield "shared-state"
        if abs(self.skew_s) > SKEW_S:
            yield "clock"
        if self.reloader.on_disk.errors:
            yield "configuration"
        if self.ladder_file.broken:
            yield "wildcard-models-file"
        if self.on_last_good:
            yield "last-good-configuration"

    def interrupt_streams(self) -> None:
        """The grace is over: every open stream says so and ends."""
        for interrupt in tuple(self.open_streams):
            interrupt()


def moment_of(gateway: Gateway, snapshot: Snapshot | None = None) -> Moment:
    """What is known now, as one value; by the requests of a candidate, if it is the candidate's."""
    clock, overrides, known = gateway.clock, gateway.overrides, gateway.experience_of(snapshot)
    now = clock.monotonic()
    offers, resting = known.health.look(now)
    return Moment(
        now=now,
        unix=clock.unix(),
        offers=offers,
        providers=resting,
        disabled_providers=overrides.disabled_providers,
        turns=gateway.turns.view,
        chance=gateway.dice(),
        arms=known.arms.view,
        ladder=overrides.ladder,
    )
