"""Thompson sampling: each offer's arm is drawn once, the luckiest goes first, and every attempt teaches its arm.

One Beta arm per offer and input size. The dice are thrown before planning (`Moment.chance`), so a plan is repeatable.
"""

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop
from random import Random
from typing import Literal

from gateway.domain.moment import Arm
from gateway.domain.table import Offer
from gateway.routing.scene import Scene, cost_of
from gateway.routing.score import Ranked

Bucket = Literal["small", "medium", "large"]

MODE = "thompson"
FAILED = 0.0
"""The reward of an attempt that failed by the provider's fault; callers' own errors teach nothing at all."""

DEAR_USD = 0.1
SHORTEST_DEADLINE_MS = 1000.0


def by_draw(offers: Sequence[Offer], scene: Scene) -> Iterator[Ranked]:
    """Highest draw first; ties: higher weight, lower estimated cost, name. `offers` come in the table's order."""
    random = Random(scene.moment.chance)  # noqa: S311 - chance, not secrecy
    arms, size = scene.moment.arms, bucket(scene.ask.input_tokens)
    rows = [
        (-_draw(arms.get((offer.name, size)), random), -offer.weight, cost_of(offer, scene), offer.name, offer)
        for offer in offers
    ]
    heapify(rows)
    while rows:
        negative, _, cost, _, offer = heappop(rows)
        yield Ranked(offer, cost, draw=-negative)


def bucket(input_tokens: int) -> Bucket:
    if input_tokens < 1000:
        return "small"
    return "medium" if input_tokens <= 10_000 else "large"


def reward(cost_usd: float, latency_ms: float, deadline_ms: float) -> float:
    """Of an attempt that served: between 0.4 and 1, more for the cheap and the quick."""
    thrift = 1 - min(cost_usd / DEAR_USD, 1.0)
    speed = 1 - min(latency_ms / max(deadline_ms, SHORTEST_DEADLINE_MS), 1.0)
    return 0.4 + 0.3 * thrift + 0.3 * speed


def learn(arm: Arm, reward: float, elapsed_s: float, half_life_s: float) -> Arm:
    """The arm after one more attempt, `elapsed_s` after the one before."""
    faded = fade(arm, elapsed_s, half_life_s)
    return Arm(alpha=faded.alpha + reward, beta=faded.beta + 1 - reward)


def fade(arm: Arm, elapsed_s: float, half_life_s: float) -> Arm:
    """What was learnt loses half its weight every half-life; what is left in the end is Beta(1, 1)."""
    if elapsed_s <= 0 or half_life_s <= 0:
        return arm
    kept = 0.5 ** (elapsed_s / half_life_s)
    return Arm(alpha=1 + (arm.alpha - 1) * kept, beta=1 + (arm.beta - 1) * kept)


def _draw(arm: Arm | None, random: Random) -> float:
    if arm is None:
        return random.random()  # Beta(1, 1)
    return random.betavariate(arm.alpha, arm.beta)
