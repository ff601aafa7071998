"""Who of a whole table may run for one request: the columns of its kind, and the few places that are out just now.

What `eligible` says rule by rule and offer by offer is said here of all offers at once; both come to the same.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from math import inf

from gateway.domain.ask import Policy
from gateway.domain.moment import Moment
from gateway.domain.table import Offer
from gateway.routing.eligible import CERTAIN, one_text
from gateway.routing.estimate import MILLION
from gateway.routing.field import FINENESS, Cheap, Field, Kind, field_of
from gateway.routing.pulse import Pulse
from gateway.routing.scene import OPEN, TRIAL, Scene, standing

FIRST = 12
"""So many are lined up at once; a plan seldom has room for more."""
MOST_FIRST = 256
STRIDE = 128
HANDFUL = 64
"""Of so few, all are looked at: that is sooner done than to think about it."""
ROUNDING = 1 + 1e-9


class Runners:
    """The fit are all places of the field but the unfit."""

    __slots__ = ("_all_costs", "_line", "_pulse", "_scene", "field", "known", "unfit")

    def __init__(self, scene: Scene, field: Field) -> None:
        self._scene = scene
        self._all_costs: list[float] | None = None
        self._line: CostLine | None = None
        self.field = field
        self._pulse: Pulse | None = None
        self.known = scene.moment.offers
        self.unfit: set[int] = set()

    @property
    def pulse(self) -> Pulse:
        """Health in columns, for those who need it."""
        if self._pulse is None:
            self._pulse = self.field.pulse(self.known)
        return self._pulse

    @property
    def handful(self) -> bool:
        return len(self.field.offers) <= HANDFUL

    @property
    def first(self) -> int:
        """How many of the best are probably enough, if some of them rest."""
        count = len(self.field.offers)
        down = min(len(self.down(TRIAL)), count - 1)
        return max(FIRST, min(FIRST * count // max(count - down, 1), MOST_FIRST))

    def fit(self) -> Sequence[int]:
        places = range(len(self.field.offers))
        return [place for place in places if place not in self.unfit] if self.unfit else places

    def fit_offers(self) -> Iterator[Offer]:
        """As the table has them, cheapest first."""
        place_of, unfit = self.field.place_of, self.unfit
        for offer in self._scene.table.cheapest_first:
            place = place_of.get(offer.name)
            if place is not None and place not in unfit:
                yield offer

    def costs(self, places: Sequence[int]) -> list[float]:
        """As `cost_of` has them, to the last bit."""
        if self._all_costs is not None:
            return [self._all_costs[place] for place in places]
        ask, wanted = self._scene.ask, self._scene.wanted
        tokens, choices = ask.input_tokens, ask.choices
        per_input, per_output, per_request = self.field.rates(tokens)
        each, _, out = self.field.outputs(wanted)
        if each is None:
            out *= choices
            return [(tokens * per_input[p] + out * per_output[p]) / MILLION + per_request[p] for p in places]
        return [(tokens * per_input[p] + each[p] * choices * per_output[p]) / MILLION + per_request[p] for p in places]

    def highest_cost(self) -> float:
        """Of the fit."""
        if self.handful:
            return max(self.costs(self.fit()), default=0.0)
        highest = 0.0
        if self.field.outputs(self._scene.wanted).each is None:
            for dearest in self.field.layers(self._scene.ask.input_tokens):
                costs = self.costs(dearest)
                if highest >= max(costs):
                    return highest
                fit = [cost for place, cost in zip(dearest, costs, strict=True) if place not in self.unfit]
                highest = max(highest, max(fit, default=0.0))
        line = self.by_cost()
        for end in range(len(line.places), 0, -STRIDE):
            if line.most(end - 1) < highest:
                break
            some = [place for place in line.places[max(0, end - STRIDE) : end] if place not in self.unfit]
            highest = max(highest, max(self.costs(some), default=0.0))
        return highest

    def by_cost(self) -> "CostLine":
        """Who is cheap, and how much at least and at most."""
        if self._line is None:
            ask, wanted = self._scene.ask, self._scene.wanted
            _, least, most = self.field.outputs(wanted)
            cheap = self.field.by_cost(ask.input_tokens, least * ask.choices)
            self._line = CostLine(cheap, least * ask.choices / MILLION, most / least if least else inf)
        return self._line

    def rough(self, per_cost: float, parts: Sequence[float]) -> list[float]:
        """What the costs add to these parts of scores, but for rounding."""
        each, _, most = self.field.outputs(self._scene.wanted)
        if self._all_costs is not None or each is not None:
            return [per_cost * cost + part for cost, part in zip(self.all_costs(), parts, strict=True)]
        ask, rates = self._scene.ask, self.field.rates(self._scene.ask.input_tokens)
        i, o = per_cost * ask.input_tokens / MILLION, per_cost * most * ask.choices / MILLION
        return [
            i * per_input + o * per_output + per_cost * per_request + part
            for per_input, per_output, per_request, part in zip(*rates, parts, strict=True)
        ]

    def down(self, best: int) -> set[int]:
        """The places that stand worse than this."""
        moment, pulse, now = self._scene.moment, self.pulse, self._scene.moment.now
        found = {place for place, vitals in pulse.broken.items() if standing(vitals, now) > best}
        if best < OPEN - 1:
            found.update(place for place, vitals in pulse.resting.items() if vitals.cooldown_until > now)
        for name in _places_down(moment, best):
            found.update(self.field.at_provider.get(name, ()))
        return found

    def all_costs(self) -> list[float]:
        if self._all_costs is None:
            ask, wanted = self._scene.ask, self._scene.wanted
            tokens, choices = float(ask.input_tokens), ask.choices
            per_input, per_output, per_request = self.field.rates(ask.input_tokens)
            each, _, most = self.field.outputs(wanted)
            if each is None:
                out = float(most * choices)
                rates = zip(per_input, per_output, per_request, strict=True)
                self._all_costs = [(tokens * i + out * o) / MILLION + r for i, o, r in rates]
            else:
                rows = zip(per_input, per_output, per_request, each, strict=True)
                self._all_costs = [(tokens * i + out * choices * o) / MILLION + r for i, o, r, out in rows]
        return self._all_costs

    def strike(self, policy: Policy) -> None:
        """All that the caller's own bounds forbid."""
        scene, pulse = self._scene, self.pulse
        for (window, most), places in self.field.of_shape.items():
            if 0 < window < scene.padded + (most if 0 < most < scene.wanted else scene.wanted):
                self.unfit.update(places)
        budget, patience = policy.max_budget_usd, policy.max_latency_ms
        self._strike_dear(budget)
        for place in reversed(pulse.by_latency()):
            if pulse.latencies[place] <= patience:
                break
            self.unfit.add(place)
        self.unfit |= self.down(OPEN - 1)

    def strike_hopeless(self) -> None:
        """All that is out wherever we choose the model."""
        scene = self._scene
        if one_text(scene):
            for (window, _), places in self.field.of_shape.items():
                if 0 < window * CERTAIN <= scene.ask.input_tokens:
                    self.unfit.update(places)
        if scene.snapshot.routing.health.open_offers == "out":
            self.unfit |= self.down(OPEN - 1)

    def too_small(self) -> set[int]:
        """By our estimate the input does not fit; the provider may see it otherwise."""
        scene, shapes = self._scene, self.field.of_shape
        if not one_text(scene):
            return set()
        small = [places for (window, _), places in shapes.items() if 0 < window < scene.ask.input_tokens]
        return set[int]().union(*small)

    def strike_speechless(self, picky: Iterator[str]) -> None:
        """Whose provider says that it depends on the model what can be expressed."""
        told, offers = self._scene.ask.unsupported, self.field.offers
        for name in picky:
            self.unfit.update([place for place in self.field.at_provider.get(name, ()) if told[offers[place].name]])

    def _strike_dear(self, budget: float) -> None:
        """Most are told by what they cost at least or at most; the others have their cost worked out."""
        if self.handful:
            self.unfit.update([place for place, cost in enumerate(self.all_costs()) if cost > budget])
            return
        if self.field.outputs(self._scene.wanted).each is None:
            dearest = next(self.field.layers(self._scene.ask.input_tokens), ())
            if max(self.costs(dearest), default=0.0) <= budget:
                return
        line = self.by_cost()
        doubtful, out = line.crossing(budget)
        self.unfit.update(line.places[out:])
        some = line.places[doubtful:out]
        self.unfit.update([place for place, cost in zip(some, self.costs(some), strict=True) if cost > budget])


class CostLine:
    """Places by what they cost at least, in USD for this request."""

    __slots__ = ("_cheap", "_spread", "_unit", "places")

    def __init__(self, cheap: Cheap, unit: float, spread: float) -> None:
        self.places = cheap.places
        self._cheap = cheap
        self._unit = unit
        self._spread = FINENESS * spread * ROUNDING
        """What is least was told for a ratio a little lower, and where outputs are capped, for the shortest."""

    def least(self, number: int) -> float:
        """Infinite beyond the end."""
        least = self._cheap.least
        return least[number] * self._unit / ROUNDING if number < len(least) else inf

    def most(self, number: int) -> float:
        return self._cheap.least[number] * self._unit * self._spread + self._cheap.highest_request

    def crossing(self, usd: float) -> tuple[int, int]:
        """Before the first place nobody costs more, from the second on everybody does."""
        least, unit = self._cheap.least, self._unit
        if not unit:
            return 0, len(least)
        surely = max(0.0, usd - self._cheap.highest_request) / (unit * self._spread)
        return bisect_left(least, surely), bisect_right(least, usd * ROUNDING / unit)


def runners(scene: Scene) -> Runners:
    """Of everything the caller may use."""
    policy, ask = scene.policy, scene.ask
    kind = Kind(ask.endpoint, ask.features, scene.allowed, off=scene.moment.disabled_providers)
    if policy is not None:
        kind = kind._replace(least_weight=policy.min_weight)
    field = field_of(scene.table, kind)
    told = {name: ask.unsupported[name] for name in field.at_provider} if ask.unsupported else {}
    mute = frozenset(name for name, fields in told.items() if fields)
    if mute:
        field = field_of(scene.table, kind._replace(mute=mute))
    found = Runners(scene, field)
    found.strike_speechless(name for name, fields in told.items() if fields is None)
    if policy is None:
        found.strike_hopeless()
    else:
        found.strike(policy)
    return found


def _places_down(moment: Moment, best: int) -> Iterator[str]:
    for name, vitals in moment.providers.items():
        if (vitals.open_until or vitals.cooldown_until) and standing(vitals, moment.now) > best:
            yield name
