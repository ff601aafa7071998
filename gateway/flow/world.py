"""What the attempt loop needs from outside, made of what this process knows."""

import asyncio
import random

from gateway.clock import Clock
from gateway.flow.attempt import World
from gateway.state.health import Health
from gateway.state.retry_budget import RetryBudget


def world_of(clock: Clock, budget: RetryBudget, health: Health) -> World:
    def pace_s(offer: str) -> float:
        vitals = health.offers.get(offer)
        return 0.0 if vitals is None or vitals.latency_ms is None else vitals.latency_ms / 1000

    return World(
        now=clock.monotonic,
        pause=asyncio.sleep,
        luck=random.random,
        may_retry=lambda: budget.may_retry(clock.monotonic()),
        pace_s=pace_s,
    )
