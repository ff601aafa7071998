"""Everything one process holds between requests."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from gateway.clock import Clock
from gateway.domain.moment import Moment
from gateway.flow.credentials import Credentials
from gateway.state.arms import Arms
from gateway.state.health import Health
from gateway.state.live import Live
from gateway.state.metrics import Metrics
from gateway.state.overrides import Overrides
from gateway.state.retry_budget import RetryBudget
from gateway.state.turns import Turns
from gateway.upstream.send import Upstream


class Gateway(Struct, kw_only=True):
    """The long-lived parts, made once at the start and shared by all requests."""

    clock: Clock
    live: Live
    upstream: Upstream
    credentials: Credentials
    health: Health
    arms: Arms
    turns: Turns
    overrides: Overrides
    retry_budget: RetryBudget
    metrics: Metrics
    pause: Callable[[float], Awaitable[None]]
    dice: Callable[[], int]
    luck: Callable[[], float]
    in_flight: int = 0
    draining: bool = False
    """Not ready for new work; what runs is finished."""


def moment_of(gateway: Gateway) -> Moment:
    """What is known now, as one value."""
    overrides = gateway.overrides
    return Moment(
        now=gateway.clock.monotonic(),
        unix=gateway.clock.unix(),
        offers=gateway.health.offers,
        providers=gateway.health.providers,
        disabled_providers=overrides.disabled_providers,
        turns=gateway.turns.view,
        chance=gateway.dice(),
        arms=gateway.arms.view,
        ladder=overrides.ladder,
    )
