"""One of two configurations that are held against each other, and where it sends a request."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from gateway.config.permits import targets
from gateway.config.shape import Declaration
from gateway.config.shape.proving import TrialAsk, TrialMoment
from gateway.domain.ask import Ask
from gateway.domain.moment import Moment, Vitals
from gateway.domain.plan import Plan
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Offer, Split
from gateway.errors import RequestError
from gateway.flow.decide import decide
from gateway.flow.outlook import Outlook, outlook_with_key
from gateway.flow.suppose import AWAY_S, ID, NOW, Names, ask_of, moment_of_trial

NOBODY = RequestError("unauthenticated", "invalid_api_key", "This key is not known, or it is no longer valid.")


class Route(Struct, frozen=True):
    """Where a request goes."""

    shares: tuple[tuple[str, int], ...]
    """Offers that serve it, each with how many of the draws; one offer with one draw where nothing is drawn."""
    then: tuple[str, ...]
    """What is tried after it, in order, as far as attempts go; where several serve it, each with its own chain."""
    error: str | None
    cost_usd: float

    @property
    def first(self) -> str | None:
        return self.shares[0][0] if self.shares else None

    def told(self) -> str:
        """`openai/gpt-4o`, `75 % a/x, 25 % b/y`, or `refused (code)`."""
        if self.error is not None:
            return f"refused ({self.error})"
        total = sum(count for _, count in self.shares)
        if len(self.shares) == 1:
            return self.shares[0][0]
        return ", ".join(f"{count * 100 / total:.0f} % {offer}" for offer, count in self.shares)


class Side:
    """A snapshot with what is worked out once."""

    def __init__(self, said: Declaration, snapshot: Snapshot, unix: float) -> None:
        self.said = said
        self.snapshot = snapshot
        self.table = snapshot.table
        self.names = Names(snapshot.table)
        self._unix = unix
        self._moments: dict[str | None, Moment] = {}

    @cached_property
    def all_names(self) -> frozenset[str]:
        """Models and aliases that can be asked for."""
        models = (name for name, model in self.table.models.items() if model.enabled)
        return frozenset((*models, *(name for name, alias in self.table.aliases.items() if alias.enabled)))

    @cached_property
    def drawing(self) -> frozenset[str]:
        """Names that may lead through a split: who asks, and when, decides."""
        splits = {name for name, alias in self.table.aliases.items() if isinstance(alias.meaning, Split)}
        found, before = set(splits), -1
        while len(found) != before:
            before = len(found)
            found |= {name for name, alias in self.table.aliases.items() if not found.isdisjoint(targets(alias))}
        if not found.isdisjoint(self.table.wildcard_models):
            found.add("*")
        return frozenset(found)

    def moment_without(self, place: str | None) -> Moment:
        """All is well but for one provider."""
        if place not in self._moments:
            down = {} if place is None else {place: Vitals(open_until=NOW + AWAY_S, trials_left=0)}
            self._moments[place] = Moment(now=NOW, unix=self._unix, providers=MappingProxyType(down))
        return self._moments[place]

    @cached_property
    def uneven_moment(self) -> Moment:
        """Everything works, some of it slowly or badly: by its name, so that it is so on both sides."""
        offers = {name: _vitals_of(name) for name in self.table.offers}
        return Moment(now=NOW, unix=self._unix, offers=MappingProxyType(offers))

    def moment_of(self, said: TrialMoment) -> Moment:
        return moment_of_trial(self.snapshot, said, self.names, self._unix)

    def ask_of(self, said: TrialAsk, request_id: str = ID) -> Ask | None:
        """None where the key is not declared here."""
        if said.key is not None and said.key not in self.snapshot.keys:
            return None
        return ask_of(self.snapshot, said, request_id=request_id)

    def route(self, said: TrialAsk, moment: Moment, *, draws: int = 1) -> Route:
        """With `draws`, what becomes of as many callers or turns."""
        ask = self.ask_of(said)
        if ask is None:
            return _route(Outlook(plan=None, error=NOBODY), self.snapshot)
        found = outlook_with_key(self.snapshot, moment, ask)
        plan = found.plan
        if draws < 2 or plan is None or found.error is not None or not self._is_drawn(plan):
            return _route(found, self.snapshot)
        firsts: dict[str, int] = {}
        chains: set[str] = set()
        for draw in range(draws):
            turns: Mapping[str, int] = {} if plan.turn is None else {plan.turn: draw}
            drawn = decide(self.snapshot, replace(moment, turns=turns), replace(ask, request_id=f"{draw:026d}"))
            name = drawn.steps[0].offer.name
            firsts[name] = firsts.get(name, 0) + 1
            chains.add(", then ".join((name, *_then(drawn, self.snapshot))))
        shares = tuple(sorted(firsts.items(), key=lambda share: (-share[1], share[0])))
        return replace(_route(found, self.snapshot), shares=shares, then=tuple(sorted(chains)))

    def _is_drawn(self, plan: Plan) -> bool:
        return plan.turn is not None or plan.asked in self.drawing

    @cached_property
    def twins(self) -> Mapping[str, str]:
        """Each key by the first that may do the same: a thousand keys are a few kinds of caller."""
        first: dict[tuple[Any, ...], str] = {}
        return {
            name: first.setdefault((key.offers, key.scopes, key.enabled, key.expires_unix, key.limits), name)
            for name, key in self.snapshot.keys.items()
        }

    def offer(self, name: str) -> Offer | None:
        return self.table.offers.get(name)


def _vitals_of(name: str) -> Vitals:
    number = crc32(name.encode())
    return Vitals(samples=100, latency_ms=100.0 + number % 901, error_rate=(number // 1000) % 100 / 1000)


def _route(found: Outlook, snapshot: Snapshot) -> Route:
    if found.error is not None or found.plan is None:
        return Route((), (), found.error.code if found.error else "no_eligible_models", 0.0)
    first = found.plan.steps[0]
    return Route(((first.offer.name, 1),), _then(found.plan, snapshot), None, first.cost_usd)


def _then(plan: Plan, snapshot: Snapshot) -> tuple[str, ...]:
    most = len(plan.steps) if plan.kind == "wildcard" else snapshot.routing.retries.max_attempts
    return tuple(step.offer.name for step in plan.steps[1:most])
