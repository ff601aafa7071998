"""Try the steps of a plan until one serves, or nothing is left to try."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Generic, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.plan import Plan, Step
from gateway.domain.trail import Failure, FailureKind

T = TypeVar("T")
Move = Literal["again", "next", "wider", "stop"]

MOVES: Mapping[FailureKind, Move] = MappingProxyType(
    {
        "transient": "again",
        "rate_limited": "next",
        "context_overflow": "wider",
        "refused": "next",
        "garbled": "next",
        "bad_request": "stop",
    }
)


class Bounds(Struct, frozen=True, kw_only=True):
    """How often and how long may be tried."""

    max_attempts: int
    per_offer: int
    backoff_s: float
    until: float
    """Monotonic time when the caller stops waiting."""
    shrunk: Callable[[Step], int | None] = lambda _: None
    """The output that would still fit, for a step whose window overflowed."""


class World(Struct, frozen=True, kw_only=True):
    """What the loop needs from outside: a clock, a pause, luck, the retry budget, and the pace of each offer."""

    now: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]
    luck: Callable[[], float]
    may_retry: Callable[[], bool]
    pace_s: Callable[[str], float]


Means = Callable[[], tuple[Bounds, World]]
"""Asked for only once something failed."""


class Served(Struct, Generic[T], frozen=True):
    """What came of it, by which step, and how many attempts it took."""

    step: Step
    value: T
    attempts: int


class GaveUp(Struct, frozen=True):
    """Nothing served; the last failure, and every one before it."""

    failures: tuple[tuple[Step, Failure], ...]
    out_of_time: bool = False


async def attempt(send: Callable[[Step], Awaitable[T | Failure]], plan: Plan, means: Means) -> Served[T] | GaveUp:
    """Whole replies and streams differ only in the `send` they pass."""
    step = plan.steps[0]
    value = await send(step)
    return await after(value, send, plan, *means()) if type(value) is Failure else Served(step, value, 1)


async def after(
    failure: Failure, send: Callable[[Step], Awaitable[T | Failure]], plan: Plan, bounds: Bounds, world: World
) -> Served[T] | GaveUp:
    """All that follows where the first step of the plan failed."""
    step, course = plan.steps[0], Course(plan, bounds)
    value: T | Failure = failure
    failures: list[tuple[Step, Failure]] = []
    while isinstance(value, Failure):
        failures.append((step, value))
        if world.now() >= bounds.until:
            return GaveUp(tuple(failures), out_of_time=True)
        again = course.may_repeat(value) and world.may_retry()
        if again:
            pause_s = bounds.backoff_s * (0.5 + world.luck())
            if world.now() + pause_s >= bounds.until:
                return GaveUp(tuple(failures), out_of_time=True)
            await world.pause(pause_s)
        following = course.after(step, value, again=again)
        while following is not None and not again and world.now() + world.pace_s(following.offer.name) > bounds.until:
            following = course.after(following, value, again=False)
        if following is None:
            return GaveUp(tuple(failures))
        step = following
        value = await send(step)
    return Served(step, value, len(failures) + 1)


class Course:
    """Which step comes after the first: rules only, no waiting and no calling."""

    def __init__(self, plan: Plan, bounds: Bounds) -> None:
        self._ahead = list(plan.steps[1:])
        self._wider = list(plan.wider)
        self._calls_left = bounds.max_attempts - 1
        self._per_offer = bounds.per_offer
        self._shrunk = bounds.shrunk
        self._repeats_left = bounds.per_offer

    def may_repeat(self, failure: Failure) -> bool:
        move = MOVES[failure.kind]
        return move == "again" and failure.same_offer and self._repeats_left > 0 and self._calls_left > 0

    def after(self, step: Step, failure: Failure, *, again: bool) -> Step | None:
        move = MOVES[failure.kind]
        if move == "stop" or self._calls_left <= 0:
            return None
        if again:
            self._repeats_left -= 1
            self._calls_left -= 1
            return replace(step, reason="retried-transient")
        self._repeats_left = self._per_offer
        if move == "wider":
            return self._reduced(step) or self._wider_than(step)
        return self._take()

    def _take(self) -> Step | None:
        if not self._ahead or self._calls_left <= 0:
            return None
        self._calls_left -= 1
        return self._ahead.pop(0)

    def _reduced(self, step: Step) -> Step | None:
        """The same step with less output, once."""
        room = self._shrunk(step) if step.max_tokens is None else None
        if room is None:
            return None
        self._calls_left -= 1
        return replace(step, reason="reduced-max-tokens", max_tokens=room)

    def _wider_than(self, step: Step) -> Step | None:
        """The first later step with a larger window, else the smallest window that is larger and allowed."""
        window = step.offer.context_window
        for source in (self._ahead, self._wider):
            for index, other in enumerate(source):
                if other.offer.context_window > window:
                    del source[: index + 1]
                    self._calls_left -= 1
                    return replace(other, reason="escalated-context-overflow")
        return None
