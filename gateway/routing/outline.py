"""A plan that was laid out beforehand, for all requests of a kind, and holds while everybody is well.

Of a request that names a model a plan needs little more than the name, what the caller may use and what an offer must
be able to do: that is its kind, and the rules that draw up every plan draw up an outline of it. What is left for each
request is what it costs, and the order where that follows latency, failures or turns.
"""

from collections.abc import Iterable, Sequence
from sys import maxsize

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.ask import Ask
from gateway.domain.moment import EMPTY, Moment
from gateway.domain.plan import Plan, Step
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Offer, Strategy
from gateway.routing.eligible import Sieve, sift
from gateway.routing.estimate import estimate_cost, output_wanted
from gateway.routing.lineup import NEAR, reason_of
from gateway.routing.make_plan import serving
from gateway.routing.named import line_up
from gateway.routing.resolve import Target
from gateway.routing.scene import set_scene
from gateway.routing.strategies import in_order, list_price

QUIET = Moment(now=0.0, unix=0.0)
"""Nothing is known of anybody."""

Place = tuple[Offer, str]
"""An offer, and the reason for which it is tried."""


class Stretch(Struct, frozen=True):
    """Offers among which a strategy decides."""

    offers: Sequence[Offer]
    reason: str
    strategy: Strategy
    rotation: str

    @property
    def settled(self) -> bool:
        """Nothing that a moment knows can change its order: prices alone make it."""
        if len(self.offers) < 2:
            return True
        prices = {list_price(offer) for offer in self.offers}
        return self.strategy == "cost" and len(prices) == len(self.offers)

    def in_order(self, moment: Moment) -> Sequence[Offer]:
        return in_order(self.strategy, self.offers, moment, moment.turns.get(self.rotation, 0))


class Outline(Struct, frozen=True):
    """All of a plan but what it costs."""

    plan: Plan
    """Without its steps."""
    stretches: Sequence[Stretch]
    most: int
    settled: Sequence[Place] | None
    """The places of every plan; None where a moment decides about their order."""
    everyone: Sequence[Offer]
    """Whoever was looked at, whether they are tried or not: it holds only while nothing stands against any of them."""
    room: int
    """It does not hold for a longer input, for which windows matter."""

    def filled_in(self, ask: Ask, moment: Moment = QUIET) -> Plan:
        """For one request; the moment is looked at where the outline is not settled."""
        plan, wanted, input_tokens, choices = self.plan, output_wanted(ask), ask.input_tokens, ask.choices
        steps = []
        for offer, reason in self.settled or self._places(moment):
            most = offer.max_output_tokens
            output = most if 0 < most < wanted else wanted
            cost_usd = estimate_cost(offer, input_tokens, output, choices)
            steps.append(Step(offer=offer, reason=reason, cost_usd=cost_usd, output_tokens=output))
        return Plan(
            asked=plan.asked,
            kind=plan.kind,
            alias_from=plan.alias_from,
            strategy=plan.strategy,
            steps=tuple(steps),
            refused=plan.refused,
            turn=plan.turn,
        )

    @property
    def always_the_same(self) -> bool:
        """Every plan tries these offers, in whatever order: no moment decides who is left out."""
        return self.settled is not None or len(_first(self.stretches, QUIET, maxsize)) <= self.most

    def _places(self, moment: Moment) -> Sequence[Place]:
        return _first(self.stretches, moment, self.most)


def outline_of(snapshot: Snapshot, ask: Ask) -> Outline | None:
    """Of the kind of this request, whatever its sizes; None where every request is another matter.

    Raises RequestError where `make_plan` would, were everybody well. For requests without a policy.
    """
    scene = set_scene(snapshot, QUIET, replace(ask, input_tokens=0, unsupported=EMPTY))
    line, most = _Line(), serving(snapshot).steps
    name, target, sieve = line_up(scene, line, 0)
    if line.empty or any(target.kind in ("auto", "wildcard") or target.drawn for target in line.targets):
        return None
    return Outline(
        Plan(
            asked=name,
            kind=target.kind,
            alias_from=target.alias_from,
            strategy=target.strategy,
            steps=(),
            refused=tuple(sieve.notes.refused),
            turn=target.rotation,
        ),
        line.stretches,
        most,
        _first(line.stretches, QUIET, most) if all(stretch.settled for stretch in line.stretches) else None,
        line.everyone(),
        line.room(ask, most),
    )


class _Line:
    """Everyone in the order of their names' groups, unsorted and uncut."""

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.stretches: list[Stretch] = []

    @property
    def empty(self) -> bool:
        return not any(stretch.offers for stretch in self.stretches)

    def enlist(self, target: Target, sieve: Sieve, reason: str | None = None) -> None:
        self.targets.append(target)
        for group in target.groups:
            offers, why = tuple(sift(group.offers, sieve)), reason or reason_of(group, target)
            self.stretches.append(Stretch(offers, why, target.strategy, target.turn.rotation))

    def everyone(self) -> Sequence[Offer]:
        offers = (offer for target in self.targets for group in target.groups for offer in group.offers)
        return tuple({offer.name: offer for offer in offers}.values())

    def room(self, ask: Ask, most: int) -> int:
        """A window is looked at where it may be too small, or where wider ones have no place in the line."""
        smallest = min((offer.context_window for offer in self.everyone() if offer.context_window), default=maxsize)
        if len({offer.name for stretch in self.stretches for offer in stretch.offers}) > most:
            return smallest // NEAR
        return maxsize if ask.endpoint == "embeddings" else smallest


def _first(stretches: Iterable[Stretch], moment: Moment, most: int) -> Sequence[Place]:
    """No offer stands in it twice."""
    places: dict[str, Place] = {}
    for stretch in stretches:
        for offer in stretch.in_order(moment):
            places.setdefault(offer.name, (offer, stretch.reason))
    return tuple(places.values())[:most]
