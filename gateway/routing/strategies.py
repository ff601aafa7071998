"""The four orders a caller may ask for, each a pure function of the offers and the moment.

| strategy | order |
| --- | --- |
| `cost` | lowest sum of input and output list price, unpriced last; then latency; then name |
| `latency` | first what is little known and has nothing in flight; then lowest median time to first byte; name |
| `availability` | lowest smoothed error rate; then latency; then name |
| `round-robin` | in turn, each as often as its share says; after the one whose turn it is, the rest by rotation |
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from types import MappingProxyType

from gateway.domain.moment import UNKNOWN, Moment
from gateway.domain.table import Offer, Strategy
from gateway.routing.rotation import rotate

Order = Callable[[Sequence[Offer], Moment, int], list[Offer]]


def in_order(strategy: Strategy, offers: Sequence[Offer], moment: Moment, turn: int) -> Sequence[Offer]:
    return offers if len(offers) < 2 else _ORDERS[strategy](offers, moment, turn)


def list_price(offer: Offer) -> float:
    price = offer.price
    return inf if price is None else price.input + price.output


def _by_cost(offers: Sequence[Offer], moment: Moment, _turn: int) -> list[Offer]:
    vitals = moment.offers

    def key(offer: Offer) -> tuple[float, float, str]:
        name, price = offer.name, offer.price
        latency_ms = vitals.get(name, UNKNOWN).latency_ms
        return (
            inf if price is None else price.input + price.output,
            inf if latency_ms is None else latency_ms,
            name,
        )

    return sorted(offers, key=key)


def _by_latency(offers: Sequence[Offer], moment: Moment, _turn: int) -> list[Offer]:
    vitals = moment.offers

    def key(offer: Offer) -> tuple[float, str]:
        known = vitals.get(offer.name, UNKNOWN)
        if known.latency_ms is not None:
            return known.latency_ms, offer.name
        return inf if known.in_flight else -1.0, offer.name

    return sorted(offers, key=key)


def _by_availability(offers: Sequence[Offer], moment: Moment, _turn: int) -> list[Offer]:
    vitals = moment.offers

    def key(offer: Offer) -> tuple[float, float, str]:
        known = vitals.get(offer.name, UNKNOWN)
        return known.error_rate, inf if known.latency_ms is None else known.latency_ms, offer.name

    return sorted(offers, key=key)


def _by_turn(offers: Sequence[Offer], _moment: Moment, turn: int) -> list[Offer]:
    in_line = sorted(offers, key=_name)
    index, _ = rotate([offer.share for offer in in_line], turn)
    return in_line[index:] + in_line[:index]


def _name(offer: Offer) -> str:
    return offer.name


_ORDERS: Mapping[Strategy, Order] = MappingProxyType(
    {
        "cost": _by_cost,
        "latency": _by_latency,
        "availability": _by_availability,
        "round-robin": _by_turn,
    }
)
