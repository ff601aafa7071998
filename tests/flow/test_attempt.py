"""The attempt loop: which step follows which failure, how often, and how long."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.domain.plan import Plan, Step
from gateway.domain.trail import Failure, FailureKind
from gateway.flow.attempt import Bounds, GaveUp, Served, World, attempt
from tests.builders import an_offer


def a_step(name: str, *, window: int = 128_000, reason: str = "strategy-cost") -> Step:
    return Step(offer=an_offer(name, context_window=window), reason=reason)


def a_plan(*steps: Step, wider: Sequence[Step] = ()) -> Plan:
    return Plan(asked="gpt-4o", kind="model", steps=steps, wider=tuple(wider))


def failed(kind: FailureKind, **more: object) -> Failure:
    return Failure(kind=kind, code=kind, message="no", **more)  # type: ignore[arg-type]


@dataclass
class Provider:
    """Answers each step in turn, from a script by model; keeps what it was asked."""

    script: dict[str, list[Failure | str]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    took_s: float = 0.0
    now: float = 0.0
    paused: list[float] = field(default_factory=list)

    async def send(self, step: Step) -> Failure | str:
        self.asked.append((step.offer.model, step.reason))
        self.now += self.took_s
        return self.script[step.offer.model].pop(0)

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.now += seconds


def run(
    provider: Provider,
    plan: Plan,
    *,
    may_retry: bool = True,
    pace_s: float = 0.0,
    max_attempts: int = 3,
    per_offer: int = 1,
    until: float = 1000.0,
) -> Served[str] | GaveUp:
    world = World(
        now=lambda: provider.now,
        pause=provider.pause,
        luck=lambda: 0.5,
        may_retry=lambda: may_retry,
        pace_s=lambda _: pace_s,
    )
    bounds = Bounds(max_attempts=max_attempts, per_offer=per_offer, backoff_s=0.1, until=until)
    return asyncio.run(attempt(provider.send, plan, lambda: (bounds, world)))


@dataclass(frozen=True)
class Case:
    id: str
    first: FailureKind
    expected: list[tuple[str, str]]


CASES = [
    Case("a transient fault is tried again", "transient", [("a", "strategy-cost"), ("a", "retried-transient")]),
    Case("a rate limit goes on at once", "rate_limited", [("a", "strategy-cost"), ("b", "fallback-1")]),
    Case("refused credentials go on", "refused", [("a", "strategy-cost"), ("b", "fallback-1")]),
    Case("an unreadable answer goes on", "garbled", [("a", "strategy-cost"), ("b", "fallback-1")]),
    Case(
        "an overflow goes to a larger window",
        "context_overflow",
        [("a", "strategy-cost"), ("wide", "escalated-context-overflow")],
    ),
    Case("a caller's mistake ends it", "bad_request", [("a", "strategy-cost")]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_each_kind_of_failure_has_its_next_move(case: Case) -> None:
    plan = a_plan(
        a_step("a", window=8000), a_step("b", window=8000, reason="fallback-1"), a_step("wide", window=64_000)
    )
    provider = Provider({"a": [failed(case.first), "yes"], "b": ["yes"], "wide": ["yes"]})
    run(provider, plan)
    assert provider.asked == case.expected


def test_without_a_retry_budget_the_next_offer_is_asked_instead() -> None:
    provider = Provider({"a": [failed("transient")], "b": ["yes"]})
    outcome = run(provider, a_plan(a_step("a"), a_step("b")), may_retry=False)
    assert isinstance(outcome, Served)
    assert (outcome.step.offer.model, outcome.attempts) == ("b", 2)


def test_a_failure_that_repeating_cannot_cure_is_not_repeated() -> None:
    provider = Provider({"a": [failed("transient", same_offer=False)], "b": ["yes"]})
    run(provider, a_plan(a_step("a"), a_step("b")))
    assert [model for model, _ in provider.asked] == ["a", "b"]


def test_no_request_makes_more_attempts_than_allowed() -> None:
    steps = [a_step(name) for name in "abcdef"]
    provider = Provider({name: [failed("transient")] * 9 for name in "abcdef"})
    outcome = run(provider, a_plan(*steps))
    assert isinstance(outcome, GaveUp)
    assert len(provider.asked) == len(outcome.failures) == 3


def test_the_pause_before_a_retry_is_jittered_around_the_backoff() -> None:
    provider = Provider({"a": [failed("transient"), "yes"]})
    run(provider, a_plan(a_step("a")))
    assert provider.paused == [pytest.approx(0.1)]


def test_nothing_is_tried_past_the_deadline() -> None:
    provider = Provider({"a": [failed("rate_limited")], "b": ["yes"]}, took_s=5)
    outcome = run(provider, a_plan(a_step("a"), a_step("b")), until=4)
    assert isinstance(outcome, GaveUp)
    assert outcome.out_of_time


def test_a_pause_never_reaches_past_the_deadline() -> None:
    provider = Provider({"a": [failed("transient"), "yes"]})
    outcome = run(provider, a_plan(a_step("a")), until=0.05)
    assert isinstance(outcome, GaveUp)
    assert outcome.out_of_time
    assert provider.paused == []


def test_an_offer_that_is_known_to_need_longer_than_is_left_is_not_asked() -> None:
    provider = Provider({"a": [failed("rate_limited")], "b": ["yes"]}, took_s=3)
    outcome = run(provider, a_plan(a_step("a"), a_step("b")), until=5, pace_s=10)
    assert isinstance(outcome, GaveUp)
    assert [model for model, _ in provider.asked] == ["a"]


def test_a_larger_window_outside_the_order_helps_only_an_overflow() -> None:
    plan = a_plan(a_step("a", window=8000), wider=[a_step("small", window=4000), a_step("wide", window=64_000)])
    provider = Provider({"a": [failed("context_overflow")], "wide": ["yes"]})
    outcome = run(provider, plan)
    assert isinstance(outcome, Served)
    assert outcome.step.reason == "escalated-context-overflow"
    other = Provider({"a": [failed("garbled")]})
    assert isinstance(run(other, plan), GaveUp)
