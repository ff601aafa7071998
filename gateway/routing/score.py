"""The scored order of `/v1/chat`: cost, latency, failures and capability, weighed by the mode.

    score = cost·c/max(c) + latency·l/max(l) + failure·e/max(e) - capability·w/max(w)

over the eligible offers; a ratio whose maximum is 0 counts 0, an unknown latency counts as the median of the known
ones. Lower is better. Ties: higher weight, lower estimated cost, name.
"""

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop
from statistics import median
from typing import NamedTuple

from gateway.domain.moment import UNKNOWN
from gateway.domain.plan import Score
from gateway.domain.settings import Profile
from gateway.domain.table import Offer
from gateway.routing.scene import Scene, cost_of


class Ranked(NamedTuple):
    """One offer with what it was judged by."""

    offer: Offer
    cost_usd: float
    terms: tuple[float, ...] = ()
    """Cost, latency, failure, capability: their sum is the score."""
    draw: float | None = None


def by_score(offers: Sequence[Offer], scene: Scene, profile: Profile) -> Iterator[Ranked]:
    """Best first."""
    vitals = [scene.moment.offers.get(offer.name, UNKNOWN) for offer in offers]
    known = [seen.latency_ms for seen in vitals if seen.latency_ms is not None]
    usual_ms = median(known) if known else 0.0
    costs = [cost_of(offer, scene) for offer in offers]
    latencies = [usual_ms if seen.latency_ms is None else seen.latency_ms for seen in vitals]
    failures = [seen.error_rate for seen in vitals]
    weights = [offer.weight for offer in offers]
    per_cost, per_ms = _factor(profile.cost, costs), _factor(profile.latency, latencies)
    per_failure, per_weight = _factor(profile.failure, failures), _factor(-profile.capability, weights)
    rows = [
        (per_cost * cost + per_ms * ms + per_failure * failure + per_weight * weight, -weight, cost, offer.name, index)
        for index, (offer, cost, ms, failure, weight) in enumerate(
            zip(offers, costs, latencies, failures, weights, strict=True)
        )
    ]
    heapify(rows)  # a plan needs the first few of thousands: cheaper than sorting them all
    while rows:
        _, negative, cost, _, index = heappop(rows)
        terms = (per_cost * cost, per_ms * latencies[index], per_failure * failures[index], -negative * per_weight)
        yield Ranked(offers[index], cost, terms)


def _factor(weight: float, values: Sequence[float]) -> float:
    """What one unit of a value adds to the score; nothing where the largest is 0."""
    most = max(values, default=0.0)
    return weight / most if most else 0.0


def score_of(ranked: Ranked) -> Score | None:
    if not ranked.terms:
        return None
    cost, latency, failure, capability = ranked.terms
    return Score(cost=cost, latency=latency, failure=failure, capability=capability, total=sum(ranked.terms))
