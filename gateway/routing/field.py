"""The offers that one kind of request may be sent to, in columns: laid out once for a table, read by every plan.

What the files say of an offer is judged when the columns are made. What changes is left to the plan: tokens, health,
and what cannot be said to whom where that depends on the model.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import floor, log
from operator import attrgetter
from typing import NamedTuple

from gateway.domain.moment import Arm, Vitals
from gateway.domain.table import Offer, Table
from gateway.routing.beside import Beside
from gateway.routing.draws import Arms
from gateway.routing.mirror import Mirror
from gateway.routing.pulse import Pulse
from gateway.routing.strategies import list_price

MOST_FIELDS = 16
"""Kept for one table; callers with the same rights share theirs."""
REMADE = 16
"""Where more than this share changed, all of it is made anew."""
MOST_LAYERS = 4
MOST_CHEAP = 32
FINENESS = 2**0.25
"""Ratios of prompt and output that lie no further apart than this share one order by cost."""
NOTHING = 1e-12
MOST_VIEWS = 4
"""Health may be seen through several eyes: by a candidate's requests, by questions that suppose something."""


class Kind(NamedTuple):
    """All of a request that the files' own facts are held against."""

    endpoint: str
    features: frozenset[str]
    allowed: frozenset[str] | None
    mute: frozenset[str] = frozenset()
    """Providers that cannot be told all of it."""
    off: frozenset[str] = frozenset()
    """Providers switched off at run time."""
    least_weight: float = 0.0


class Rates(NamedTuple):
    """What each offer charges for a prompt of this length."""

    input: list[float]
    output: list[float]
    request: list[float]


class Outputs(NamedTuple):
    """How much each offer would write."""

    each: list[int] | None
    """None where it is the same for all."""
    least: int
    most: int


class Field:
    """The offers by name, and a column for each fact that a plan compares."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.offers = offers
        self.place_of = {offer.name: place for place, offer in enumerate(offers)}
        self.weights = [offer.weight for offer in offers]
        self.highest_weight = max(self.weights, default=0.0)
        self.shares = [offer.share for offer in offers]
        self.even = len(set(self.shares)) < 2
        """All have the same share."""
        self.at_provider: dict[str, list[int]] = {}
        self.of_shape: dict[tuple[int, int], list[int]] = {}
        for place, offer in enumerate(offers):
            self.at_provider.setdefault(offer.provider, []).append(place)
            self.of_shape.setdefault((offer.context_window, offer.max_output_tokens), []).append(place)
        self._steps = sorted({offer.price.above.tokens for offer in offers if offer.price and offer.price.above})
        self._by_price: list[list[int]] | None = None
        self._rates: dict[int, Rates] = {}
        self._layers: dict[int, Layers] = {}
        self._cheap: dict[tuple[int, int], Cheap] = {}
        self._outputs: dict[int, Outputs] = {}
        self._pulses: dict[int, Pulse] = {}
        self._arms: dict[str, ArmsView] = {}

    def by_price(self) -> list[list[int]]:
        """By the sum of list prices, unpriced last; places of one price together."""
        if self._by_price is None:
            prices = [list_price(offer) for offer in self.offers]
            order = sorted(range(len(prices)), key=prices.__getitem__)
            self._by_price = [list(equal) for _, equal in groupby(order, key=prices.__getitem__)]
        return self._by_price

    def rates(self, input_tokens: int) -> Rates:
        level = bisect_left(self._steps, input_tokens)
        rates = self._rates.get(level)
        if rates is None:
            rates = self._rates[level] = _rates(self.offers, input_tokens)
        return rates

    def layers(self, input_tokens: int) -> Iterator[Sequence[int]]:
        """The dearest, a few at a time: whatever is asked for, a later layer has nobody dearer than all of an earlier.

        Not all layers there are, only the first few.
        """
        level = bisect_left(self._steps, input_tokens)
        layers = self._layers.get(level)
        if layers is None:
            layers = self._layers[level] = Layers(self.rates(input_tokens))
        return layers.read()

    def by_cost(self, input_tokens: int, output_tokens: int) -> "Cheap":
        """Made for ratios of prompt and output from a little below theirs on."""
        level = bisect_left(self._steps, input_tokens)
        power = floor(log(input_tokens / max(output_tokens, 1) or NOTHING, FINENESS))
        line = self._cheap.get((level, power))
        if line is None:
            if len(self._cheap) >= MOST_CHEAP:
                self._cheap.clear()
            line = self._cheap[level, power] = Cheap(self.rates(input_tokens), FINENESS**power)
        return line

    def outputs(self, wanted: int) -> "Outputs":
        """Output tokens per choice, if so many are wanted."""
        outputs = self._outputs.get(wanted)
        if outputs is None:
            if len(self._outputs) >= MOST_VIEWS:
                self._outputs.clear()
            each = [most if 0 < (most := offer.max_output_tokens) < wanted else wanted for offer in self.offers]
            least, most = min(each, default=0), max(each, default=0)
            outputs = self._outputs[wanted] = Outputs(None if least == most else each, least, most)
        return outputs

    def pulse(self, known: Mapping[str, Vitals]) -> Pulse:
        """Health in columns, as it is now."""
        pulse = self._pulses.get(id(known))
        if pulse is None:
            if len(self._pulses) >= MOST_VIEWS:
                del self._pulses[next(iter(self._pulses))]
            pulse = self._pulses[id(known)] = Pulse(self.place_of)
        pulse.look(known)
        return pulse

    def arms(self, known: Mapping[tuple[str, str], Arm], size: str) -> Arms:
        """What was learnt of each offer for inputs of this size."""
        view = self._arms.get(size)
        if view is None:
            view = self._arms[size] = ArmsView(self.place_of, size)
        return view.look(known)


class ArmsView:
    """Arms by place, kept up to date by what changed since the last look."""

    __slots__ = ("_arms", "_mirror", "_names", "_place_of", "_size")

    def __init__(self, place_of: Mapping[str, int], size: str) -> None:
        self._mirror: Mirror[tuple[str, str], Arm] = Mirror()
        self._place_of = place_of
        self._size = size
        self._arms = Arms([None] * len(place_of))

    def look(self, known: Mapping[tuple[str, str], Arm]) -> Arms:
        changes = self._mirror.changes(known)
        if changes is None:
            return self._arms
        place_of, size = self._place_of, self._size
        if len(changes) * REMADE > len(place_of):
            self._arms = Arms([known.get((name, size)) for name in place_of])
            return self._arms
        for (name, its_size), arm in changes.items():
            if its_size == size and name in place_of:
                self._arms.teach(place_of[name], arm)
        return self._arms


def field_of(table: Table, kind: Kind) -> Field:
    """Made by the first request of its kind."""
    fields = _FIELDS.of(table)
    field = fields.pop(kind, None)
    if field is None:
        if len(fields) >= MOST_FIELDS:
            del fields[next(iter(fields))]
        field = Field(sorted(_in_view(table, kind), key=attrgetter("name")))
    fields[kind] = field
    return field


_FIELDS = Beside[Table, dict[Kind, Field]](dict)


def _in_view(table: Table, kind: Kind) -> Iterator[Offer]:
    disabled = {model.name for model in table.models.values() if not model.enabled}
    silent = {name for name, place in table.providers.items() if not place.enabled} | kind.off | kind.mute
    endpoint, features, allowed = kind.endpoint, kind.features, kind.allowed
    by_chat = endpoint == "completions"
    for offer in table.cheapest_first:
        can = offer.capabilities
        if (
            (endpoint in can or (by_chat and offer.via_chat))
            and features <= can
            and (allowed is None or offer.name in allowed)
            and offer.provider not in silent
            and offer.model not in disabled
            and offer.weight >= kind.least_weight
        ):
            yield offer


def _rates(offers: Sequence[Offer], input_tokens: int) -> Rates:
    rates = Rates([], [], [])
    for offer in offers:
        price = offer.price
        if price is None:
            per_input, per_output, per_request = 0.0, 0.0, 0.0
        else:
            per_input, per_output, per_request = price.input, price.output, price.request
            if price.above is not None and input_tokens > price.above.tokens:
                per_input, per_output = price.above.input, price.above.output
        rates.input.append(per_input)
        rates.output.append(per_output)
        rates.request.append(per_request)
    return rates


class Cheap:
    """Places by what they cost at least, where a prompt has at least so many tokens for each of the output."""

    __slots__ = ("highest_request", "least", "places")

    def __init__(self, rates: Rates, ratio: float) -> None:
        least = [
            ratio * per_input + per_output for per_input, per_output in zip(rates.input, rates.output, strict=True)
        ]
        self.places = sorted(range(len(least)), key=least.__getitem__)
        self.least = sorted(least)
        """Per million tokens of output, in the order of the places; what is charged for a request comes on top."""
        self.highest_request = max(rates.request, default=0.0)


class Layers:
    """Places by how dear they are, in layers that are found when they are asked for."""

    __slots__ = ("_found", "_left", "_rates")

    def __init__(self, rates: Rates) -> None:
        places = range(len(rates.input))
        self._rates = rates
        self._found: list[list[int]] = []
        self._left = sorted(places, key=lambda place: (-rates.input[place], -rates.output[place]))

    def read(self) -> Iterator[Sequence[int]]:
        yield from self._found
        while self._left and len(self._found) < MOST_LAYERS:
            self._found.append(self._peel())
            yield self._found[-1]

    def _peel(self) -> list[int]:
        """Those than whom nobody who is left charges more for input and output and as much for a request."""
        highest: dict[float, float] = {}
        layer: list[int] = []
        left: list[int] = []
        for place in self._left:
            request, output = self._rates.request[place], self._rates.output[place]
            if output > highest.get(request, -1.0):
                highest[request] = output
                layer.append(place)
            else:
                left.append(place)
        self._left = left
        return layer
