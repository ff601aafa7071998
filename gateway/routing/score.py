"""The scored order of `/v1/chat`: cost, latency, failures and capability, weighed by the mode.

    score = cost·c/max(c) + latency·l/max(l) + failure·e/max(e) - capability·w/max(w)

over the eligible offers; a ratio whose maximum is 0 counts 0, an unknown latency counts as the median of the known
ones. Lower is better. Ties: higher weight, lower estimated cost, name.
"""

from collections.abc import Sequence
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


def by_score(offers: Sequence[Offer], scene: Scene, profile: Profile) -> list[Ranked]:
    """Best first."""
    vitals = [scene.moment.offers.get(offer.name, UNKNOWN) for offer in offers]
    known = [latency_ms for seen in vitals if (latency_ms := seen.latency_ms) is not None]
    usual_ms = median(known) if known else 0.0
    costs = [cost_of(offer, scene) for offer in offers]
    latencies = [usual_ms if seen.latency_ms is None else seen.latency_ms for seen in vitals]
    failures = [seen.error_rate for seen in vitals]
    weights = [offer.weight for offer in offers]
    columns = zip(
        _term(profile.cost, costs),
        _term(profile.latency, latencies),
        _term(profile.failure, failures),
        _term(-profile.capability, weights),
        strict=True,
    )
    rows = [
        (sum(terms), -offer.weight, cost, offer.name, offer, terms)
        for terms, offer, cost in zip(columns, offers, costs, strict=True)
    ]
    rows.sort()
    return [Ranked(offer, cost, terms) for _, _, cost, _, offer, terms in rows]


def score_of(ranked: Ranked) -> Score | None:
    if not ranked.terms:
        return None
    cost, latency, failure, capability = ranked.terms
    return Score(cost=cost, latency=latency, failure=failure, capability=capability, total=sum(ranked.terms))


def _term(weight: float, values: Sequence[float]) -> list[float]:
    most = max(values, default=0.0)
    factor = weight / most if most else 0.0
    return [factor * value for value in values]
