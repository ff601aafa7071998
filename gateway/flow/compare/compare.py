"""Ask both sides the same, and tell which answers differ."""

from collections.abc import Generator, Iterable, Iterator
from typing import Literal

from msgspec import Struct

from gateway.config.diff import changes
from gateway.flow.compare.probes import Probe, probes
from gateway.flow.compare.side import Route, Side
from gateway.flow.compare.when import UNEVEN, WELL, Way, told_when

Kind = Literal["re-routes", "is refused", "is served", "falls back differently"]


class Change(Struct, frozen=True, kw_only=True):
    """One ask that goes elsewhere, in all the ways in which it does so alike."""

    asks: str
    kind: Kind
    before: str
    after: str
    when: str
    probes: int
    """How many of the questions came out like this."""
    cost_before_usd: float
    cost_after_usd: float
    """Of one request, estimated, in the first of these ways."""


class Comparison(Struct, frozen=True, kw_only=True):
    """All that is found without traffic."""

    old: str
    new: str
    """Digests."""
    probes: int
    changes: tuple[Change, ...]
    new_names: tuple[str, ...]
    gone_names: tuple[str, ...]
    prices: tuple[str, ...]
    keys: tuple[str, ...]
    settings: tuple[str, ...]
    """What changed in the files, in sentences: prices, keys and their limits, and all the rest."""


class Difference(Struct, frozen=True):
    probe: Probe
    way: Way
    before: Route
    after: Route


Asked = dict[str, set[Way]]


def compare(old: Side, new: Side) -> Generator[int, None, Comparison]:
    """Yields how many questions were asked so far, for whoever shows progress."""
    asked: Asked = {}
    found: list[Difference] = []
    count = 0
    for probe in probes(old, new) if old.snapshot.digest != new.snapshot.digest else ():
        for way, before, after in _answers(probe, old, new):
            count += 1
            asked.setdefault(probe.asks, set()).add(way)
            if _differ(before, after):
                found.append(Difference(probe, way, before, after))
        yield count
    sentences = changes(old.snapshot, new.snapshot).sentences
    prices = tuple(one for one in sentences if one.startswith("offer `") and ": price " in one)
    keys = tuple(one for one in sentences if one.startswith("key `"))
    return Comparison(
        old=old.snapshot.digest,
        new=new.snapshot.digest,
        probes=count,
        changes=tuple(_grouped(found, asked)),
        new_names=tuple(sorted(new.all_names - old.all_names)),
        gone_names=tuple(sorted(old.all_names - new.all_names)),
        prices=prices,
        keys=keys,
        settings=tuple(one for one in sentences if one not in prices and one not in keys),
    )


def _answers(probe: Probe, old: Side, new: Side) -> Iterator[tuple[Way, Route, Route]]:
    """Where no moment is given: when all is well, then without each provider that either route knows."""
    if probe.ask.model is not None and probe.moment is None and _is_new(probe.ask.model, old, new):
        return
    if probe.moment is not None:
        moments = old.moment_of(probe.moment), new.moment_of(probe.moment)
        yield probe.way, old.route(probe.ask, moments[0]), new.route(probe.ask, moments[1])
        return
    before = old.route(probe.ask, old.moment_without(None), draws=probe.draws)
    after = new.route(probe.ask, new.moment_without(None), draws=probe.draws)
    yield (*probe.way, WELL), before, after
    uneven = old.route(probe.ask, old.uneven_moment), new.route(probe.ask, new.uneven_moment)
    yield (*probe.way, UNEVEN), *uneven
    for place in sorted(_places((before, after))):
        without = f"with {place} down"
        lone = old.route(probe.ask, old.moment_without(place)), new.route(probe.ask, new.moment_without(place))
        yield (*probe.way, without), *lone


def _is_new(name: str, old: Side, new: Side) -> bool:
    return name in new.all_names and name not in old.all_names


def _places(routes: Iterable[Route]) -> set[str]:
    chains = (chain for route in routes for chain in (*(offer for offer, _ in route.shares), *route.then))
    return {offer.partition("/")[0] for chain in chains for offer in chain.split(", then ")}


def _differ(before: Route, after: Route) -> bool:
    return (before.shares, before.then, before.error) != (after.shares, after.then, after.error)


def _kind(difference: Difference) -> Kind:
    before, after = difference.before, difference.after
    if before.error is None and after.error is not None:
        return "is refused"
    if before.error is not None and after.error is None:
        return "is served"
    moved = (before.shares, before.error) != (after.shares, after.error)
    return "re-routes" if moved else "falls back differently"


def _grouped(found: Iterable[Difference], asked: Asked) -> Iterator[Change]:
    """Alike in ask, before and after; fallbacks are told only of asks of which nothing worse is to be told."""
    groups: dict[tuple[str, Kind, str, str], list[Difference]] = {}
    worse: set[str] = set()
    for one in found:
        kind = _kind(one)
        told = _chains(one) if kind == "falls back differently" else (one.before.told(), one.after.told())
        groups.setdefault((one.probe.asks, kind, *told), []).append(one)
        if kind != "falls back differently":
            worse.add(one.probe.asks)
    for (asks, kind, before, after), alike in groups.items():
        if kind == "falls back differently" and asks in worse:
            continue
        yield Change(
            asks=asks,
            kind=kind,
            before=before,
            after=after,
            when=told_when({one.way for one in alike}, asked[asks]),
            probes=len(alike),
            cost_before_usd=alike[0].before.cost_usd,
            cost_after_usd=alike[0].after.cost_usd,
        )


def _chains(one: Difference) -> tuple[str, str]:
    return _chain(one.before), _chain(one.after)


def _chain(route: Route) -> str:
    if len(route.shares) > 1:
        return " or ".join(route.then)
    return ", then ".join((route.told(), *route.then))
