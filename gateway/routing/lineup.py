"""The line in which offers wait to be tried: the healthy first, then the doubtful, the cooling and the open.

Full lanes take no more, so that a plan over thousands of offers costs what its first few steps cost.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, groupby

from msgspec import Struct

from gateway.domain.plan import Step
from gateway.domain.table import Offer
from gateway.routing.auto import whole_table
from gateway.routing.eligible import Notes, Sieve, looks_too_small, sift
from gateway.routing.estimate import output_tokens
from gateway.routing.resolve import Group, Target
from gateway.routing.scene import COOLING, STANDINGS, TRIAL, Scene, back_in_s, cost_of, permitted, standing_of
from gateway.routing.score import Ranked, score_of
from gateway.routing.strategies import in_order, list_price

ESCALATED = "escalated-context-overflow"
MOST_WIDER = 3
NEAR = 3
"""An overflow is only thinkable where this many times the estimated input would not fit."""


class Depth(Struct, frozen=True):
    """How much of the table is looked at: enough to serve, or all of it."""

    steps: int
    refusals: int


class Lineup:
    """Grows by offers that are eligible; no offer stands in it twice."""

    __slots__ = ("_lanes", "_most", "_scene", "_seen", "_spare")

    def __init__(self, scene: Scene, most: int) -> None:
        self._scene = scene
        self._most = most
        self._lanes: tuple[list[Step], ...] = ([], [], [], [])
        self._seen: set[str] = set()
        self._spare: list[Iterable[Offer]] = []

    @property
    def full(self) -> bool:
        return len(self._lanes[0]) >= self._most

    @property
    def _healthy(self) -> int:
        return len(self._lanes[0]) + len(self._lanes[1])

    @property
    def empty(self) -> bool:
        return not self._seen

    def enlist(self, target: Target, sieve: Sieve, reason: str | None = None) -> None:
        """The groups of one name, as far as there is room; a given reason stands for all of them."""
        if target.kind == "auto":
            self._enlist_everyone(target, sieve)
            return
        scene, good = self._scene, self._lanes[0]
        for group in target.groups:
            if len(good) >= self._most:
                self.keep(group.offers)
            else:
                fit = in_turn(sift(group.offers, sieve), target, scene)
                self._line_up(fit, reason or reason_of(group, target), chosen=target.chosen)

    def _enlist_everyone(self, target: Target, sieve: Sieve) -> None:
        scene = self._scene
        if sieve.notes.wanted:
            everyone = permitted(scene.table.cheapest_first, scene)
            for _, equal in groupby(everyone, list_price) if target.strategy == "cost" else ((0, everyone),):
                sift(tuple(equal), sieve)
        reason = f"auto-{target.strategy}"
        large, small = whole_table(target.strategy, target.turn.used, scene)
        self._line_up(large, reason, chosen=False)
        for offer in small:
            if self._healthy >= self._most:
                self.keep(chain((offer,), small))
                break
            self.add(offer, reason, None, doubtful=True)

    def _line_up(self, offers: Iterable[Offer], reason: str, *, chosen: bool) -> None:
        good, scene, left = self._lanes[0], self._scene, iter(offers)
        for offer in left:
            if len(good) >= self._most:
                self.keep(chain((offer,), left))
                break
            self.add(offer, reason, None, chosen and looks_too_small(offer, scene))

    def add(self, offer: Offer, reason: str, judged: Ranked | None = None, doubtful: bool = False) -> None:
        """One eligible offer, to the end of its lane."""
        if offer.name in self._seen:
            return
        standing = standing_of(offer, self._scene.moment)
        lane = self._lanes[standing if standing >= COOLING else int(doubtful)]
        if len(lane) >= self._most:
            self._spare.append((offer,))
            return
        self._seen.add(offer.name)
        lane.append(_step(offer, reason, self._scene, standing, judged))

    def keep(self, offers: Iterable[Offer]) -> None:
        """Offers without a place in the line: they may still be wider than those in it."""
        self._spare.append(offers)

    def steps(self) -> tuple[Step, ...]:
        good, doubtful, cooling, broken = self._lanes
        if len(good) >= self._most or not (doubtful or cooling or broken):
            return tuple(good)
        return self._all()[: self._most]

    def healthy(self) -> bool:
        return bool(self._lanes[0] or self._lanes[1])

    def retry_after_s(self) -> float | None:
        """Until the first that rests may work again; None while something is healthy."""
        if self._lanes[0] or self._lanes[1] or not self._seen:
            return None
        return min(back_in_s(step.offer, self._scene.moment) for step in self._all())

    def wider(self, sieve: Sieve) -> tuple[Step, ...]:
        """Healthy offers that found no room, with a window larger than the smallest in line; smallest first.

        None unless the input comes near that window; only then are those without room looked at.
        """
        if not self._spare:
            return ()
        smallest = min((step.offer.context_window for step in self.steps()), default=0)
        if not 0 < smallest < self._scene.ask.input_tokens * NEAR:
            return ()
        larger = sorted((offer for offer in chain(*self._spare) if offer.context_window > smallest), key=_window)
        return tuple(self._first_fit(larger, sieve))

    def _first_fit(self, offers: Iterable[Offer], sieve: Sieve) -> list[Step]:
        scene, found = self._scene, list[Step]()
        quiet = Sieve(sieve.rules, scene, Notes(0))
        for offer in offers:
            if offer.name in self._seen or not sift((offer,), quiet):
                continue
            standing = standing_of(offer, scene.moment)
            if standing <= TRIAL:
                self._seen.add(offer.name)
                found.append(_step(offer, ESCALATED, scene, standing, None))
            if len(found) == MOST_WIDER:
                break
        return found

    def _all(self) -> tuple[Step, ...]:
        good, doubtful, cooling, broken = self._lanes
        return (*good, *doubtful, *cooling, *broken)


def reason_of(group: Group, target: Target) -> str:
    """Its own, or that of the strategy."""
    return group.reason or f"strategy-{target.strategy}"


def in_turn(fit: Sequence[Offer], target: Target, scene: Scene) -> Sequence[Offer]:
    """By the strategy; a rotation turns over the healthy only, so that a dead offer's turns are spread over all."""
    if len(fit) < 2:
        return fit
    strategy, turn, moment = target.strategy, target.turn.used, scene.moment
    if strategy != "round-robin":
        return in_order(strategy, fit, moment, turn)
    up = [offer for offer in fit if standing_of(offer, moment) <= TRIAL]
    down = [offer for offer in fit if standing_of(offer, moment) > TRIAL]
    return [*in_order(strategy, up, moment, turn), *in_order(strategy, down, moment, turn)]


def _step(offer: Offer, reason: str, scene: Scene, standing: int, judged: Ranked | None) -> Step:
    return Step(
        offer=offer,
        reason=reason,
        cost_usd=cost_of(offer, scene) if judged is None else judged.cost_usd,
        output_tokens=output_tokens(scene.wanted, offer),
        score=None if judged is None else score_of(judged),
        draw=None if judged is None else judged.draw,
        standing=STANDINGS[standing],
    )


def _window(offer: Offer) -> int:
    return offer.context_window
