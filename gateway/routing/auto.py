"""The order of `auto` over a whole table, found no further than it is followed.

The orders are those of `strategies`; here they are read from columns, of which some are made once for a table and the
others follow the moment.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from types import MappingProxyType

from gateway.domain.table import Offer, Strategy
from gateway.routing.field import Field
from gateway.routing.rotation import rotate
from gateway.routing.runners import Runners, runners
from gateway.routing.scene import TRIAL, Scene


def whole_table(strategy: Strategy, turn: int, scene: Scene) -> tuple[Iterator[Offer], Iterator[Offer]]:
    """Every offer that may be chosen; in a line of their own the healthy that look too small, to be asked last."""
    found = runners(scene)
    offers, small, order = found.field.offers, found.too_small(), _ORDERS[strategy]
    if small:
        small -= found.down(TRIAL)
    else:
        return (offers[place] for place in order(found, turn)), iter(())
    return (
        (offers[place] for place in order(found, turn) if place not in small),
        (offers[place] for place in order(found, turn) if place in small),
    )


def _by_cost(found: Runners, _turn: int) -> Iterator[int]:
    """What costs the same is put in order when its turn comes."""
    field, known, unfit = found.field, found.known, found.unfit

    def latency(place: int) -> tuple[float, int]:
        seen = known.get(field.offers[place].name)
        return inf if seen is None or seen.latency_ms is None else seen.latency_ms, place

    for equal in field.by_price():
        for place in equal if len(equal) == 1 else sorted(equal, key=latency):
            if place not in unfit:
                yield place


def _by_latency(found: Runners, _turn: int) -> Iterator[int]:
    pulse, unfit = found.pulse, found.unfit
    if pulse.unknown:
        places = range(len(found.field.offers)) if len(pulse.unknown) * 8 > len(found.field.offers) else pulse.unknown
        yield from (p for p in sorted(places) if p in pulse.unknown and p not in pulse.busy and p not in unfit)
    yield from _without(unfit, pulse.by_latency())
    yield from _without(unfit, sorted(pulse.busy))


def _by_availability(found: Runners, _turn: int) -> Iterator[int]:
    return _without(found.unfit, found.pulse.by_failures())


def _by_turn(found: Runners, turn: int) -> Iterator[int]:
    """Turns are taken by the healthy, and so that a dead offer's turns are spread over all."""
    down = found.down(TRIAL) - found.unfit
    out = down | found.unfit
    places = range(len(found.field.offers))
    if found.field.even and len(out) < len(places):
        start = _counted_off(turn % (len(places) - len(out)), sorted(out))
        yield from _without(out, range(start, len(places)))
        yield from _without(out, range(start))
    else:
        yield from _rotated([place for place in places if place not in out], found.field, turn)
    yield from _rotated(sorted(down), found.field, turn)


def _counted_off(number: int, out: Sequence[int]) -> int:
    """The place of that number if those who are out are not counted."""
    for place in out:
        if place > number:
            break
        number += 1
    return number


def _rotated(places: Sequence[int], field: Field, turn: int) -> Iterator[int]:
    if places:
        index, _ = rotate([field.shares[place] for place in places], turn)
        yield from places[index:]
        yield from places[:index]


def _without(unfit: set[int], places: Sequence[int]) -> Iterator[int]:
    return (place for place in places if place not in unfit) if unfit else iter(places)


_ORDERS: Mapping[Strategy, Callable[[Runners, int], Iterator[int]]] = MappingProxyType(
    {"cost": _by_cost, "latency": _by_latency, "availability": _by_availability, "round-robin": _by_turn}
)
