"""What a plan has to be, worked out slowly: every offer is looked at, everything is sorted, nothing is remembered.

Names are resolved by the gateway itself; whoever may be tried, in which order, with which numbers and why the others
are not, is said here a second time. Only the draws of Thompson sampling are the gateway's own: they are chance.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from random import Random
from statistics import median

from gateway.domain.ask import Ask
from gateway.domain.moment import UNKNOWN, Moment, Vitals
from gateway.domain.plan import Plan, Score, Standing, Step
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Offer, Strategy
from gateway.errors import RequestError
from gateway.routing.draws import Arms, draw, every_arm, luckiest
from gateway.routing.estimate import estimate_cost, output_wanted
from gateway.routing.resolve import Target, resolve
from gateway.routing.rotation import rotate
from gateway.routing.runners import HANDFUL
from gateway.routing.scene import set_scene
from gateway.routing.thompson import bucket

STANDINGS: tuple[Standing, ...] = ("well", "trial", "cooling", "open")
Refused = list[tuple[str, str]]


class Reference:
    """One request in one world."""

    def __init__(self, snapshot: Snapshot, moment: Moment, ask: Ask) -> None:
        self.snapshot, self.table, self.moment, self.ask = snapshot, snapshot.table, moment, ask
        self.scene = set_scene(snapshot, moment, ask)
        self.wanted = output_wanted(ask)

    def standing(self, offer: Offer) -> int:
        return max(
            self._standing(self.vitals(offer)), self._standing(self.moment.providers.get(offer.provider, UNKNOWN))
        )

    def _standing(self, vitals: Vitals) -> int:
        now = self.moment.now
        if vitals.open_until and (vitals.open_until > now or vitals.trials_left <= 0):
            return 3
        if vitals.cooldown_until > now:
            return 2
        return 1 if vitals.open_until else 0

    def vitals(self, offer: Offer) -> Vitals:
        return self.moment.offers.get(offer.name, UNKNOWN)

    def output(self, offer: Offer) -> int:
        return min(self.wanted, offer.max_output_tokens or self.wanted)

    def cost(self, offer: Offer) -> float:
        return estimate_cost(offer, self.ask.input_tokens, self.output(offer), self.ask.choices)

    def fixed_faults(self, offer: Offer) -> Iterator[tuple[int, str]]:
        """Each with its rank among all faults: the first one is told."""
        ask = self.ask
        if ask.endpoint not in offer.capabilities:
            yield 0, "endpoint"
        if not ask.features <= offer.capabilities:
            yield 1, "features"
        if ask.unsupported and ask.unsupported[offer.provider]:
            yield 2, "parameters"
        if ask.policy is not None and offer.weight < ask.policy.min_weight:
            yield 3, "weight"
        off = offer.provider in self.moment.disabled_providers
        if off or not (self.table.providers[offer.provider].enabled and self.table.models[offer.model].enabled):
            yield 6, "disabled"

    def faults(self, offer: Offer) -> Iterator[tuple[int, str]]:
        yield from self.fixed_faults(offer)
        ask, policy, window = self.ask, self.ask.policy, offer.context_window
        is_open = self.standing(offer) == 3
        if policy is None:
            if window and ask.endpoint == "chat" and 2 * window <= ask.input_tokens:
                yield 4, "window"
            if is_open and self.snapshot.routing.health.open_offers == "out":
                yield 8, "circuit"
            return
        if window and window < ask.input_tokens * 1.15 + self.output(offer):
            yield 4, "window"
        if self.cost(offer) > policy.max_budget_usd:
            yield 5, "budget"
        if (self.vitals(offer).latency_ms or 0.0) > policy.max_latency_ms:
            yield 7, "latency"
        if is_open:
            yield 8, "circuit"

    def everyone(self) -> list[Offer]:
        key = self.ask.key
        seen = None if key is None else key.offers
        return [offer for offer in self.table.cheapest_first if seen is None or offer.name in seen]

    def fit(self, offers: Iterable[Offer]) -> list[Offer]:
        return [offer for offer in offers if not any(self.faults(offer))]

    def refused(self, offers: Iterable[Offer]) -> Refused:
        told = [(offer.name, min(self.faults(offer))[1]) for offer in offers if any(self.faults(offer))]
        return sorted(told)


def auto(snapshot: Snapshot, moment: Moment, ask: Ask) -> tuple[list[Step], Refused]:
    """`auto` by whatever strategy."""
    world = Reference(snapshot, moment, ask)
    strategy = ask.strategy or snapshot.defaults.strategy
    fit = in_order(strategy, world.fit(world.everyone()), world, moment.turns.get("auto", 0))

    def doubtful(offer: Offer) -> bool:
        return world.standing(offer) < 2 and 0 < offer.context_window < ask.input_tokens

    lanes = sorted(fit, key=lambda offer: (max(world.standing(offer), 1), doubtful(offer)))
    return [a_step(world, offer, f"auto-{strategy}") for offer in lanes], world.refused(world.everyone())


def in_order(strategy: Strategy, fit: Sequence[Offer], world: Reference, turn: int) -> list[Offer]:
    def latency(offer: Offer, otherwise: float) -> float:
        ms = world.vitals(offer).latency_ms
        return otherwise if ms is None else ms

    keys: dict[Strategy, Callable[[Offer], tuple[float | str, ...]]] = {
        "cost": lambda o: (o.price.input + o.price.output if o.price else inf, latency(o, inf), o.name),
        "latency": lambda o: (latency(o, inf if world.vitals(o).in_flight else -1.0), o.name),
        "availability": lambda o: (world.vitals(o).error_rate, latency(o, inf), o.name),
    }
    if strategy in keys:
        return sorted(fit, key=keys[strategy])
    up = sorted((offer for offer in fit if world.standing(offer) < 2), key=lambda offer: offer.name)
    down = sorted((offer for offer in fit if world.standing(offer) >= 2), key=lambda offer: offer.name)
    return [*rotated(up, turn), *rotated(down, turn)]


def rotated(line: list[Offer], turn: int) -> list[Offer]:
    index = rotate([offer.share for offer in line], turn)[0] if line else 0
    return line[index:] + line[:index]


def policy(snapshot: Snapshot, moment: Moment, ask: Ask) -> tuple[list[Step], Refused]:
    """`/v1/chat`, with a hint or without; not the ladder."""
    world = Reference(snapshot, moment, ask)
    wishes = ask.policy
    assert wishes is not None
    hint = (wishes.hint or "").strip()
    target = resolve(hint, world.scene) if hint and hint != "auto" else None
    fit = sorted(world.fit(world.everyone()), key=lambda offer: offer.name)
    judged = drawn(world, fit) if wishes.mode == "thompson" else scored(world, fit)
    hinted = [offer for offer in hinted_by(world, target) if offer in fit]
    steps = []
    for offer in hinted:
        score, luck = judged[offer.name]
        steps.append(a_step(world, offer, "model-hint", score, hint_luck(world, offer) if luck is not None else None))
    for offer in sorted(fit, key=lambda offer: by_judgement(world, offer, *judged[offer.name])):
        if offer not in hinted:
            steps.append(a_step(world, offer, f"routed-weight-{offer.weight:g}", *judged[offer.name]))
    steps.sort(key=lambda step: max(world.standing(step.offer), 1))
    return steps, world.refused(world.everyone())


Judged = dict[str, tuple[Score | None, float | None]]


def scored(world: Reference, fit: Sequence[Offer]) -> Judged:
    assert world.ask.policy is not None
    profile = world.snapshot.routing.modes[world.ask.policy.mode]
    known = [ms for offer in fit if (ms := world.vitals(offer).latency_ms) is not None]
    usual = median(known) if known else 0.0

    def factor(weight: float, values: Sequence[float]) -> float:
        return weight / max(values) if values and max(values) else 0.0

    def latency(offer: Offer) -> float:
        ms = world.vitals(offer).latency_ms
        return usual if ms is None else ms

    cost = factor(profile.cost, [world.cost(offer) for offer in fit])
    slow = factor(profile.latency, [latency(offer) for offer in fit])
    fail = factor(profile.failure, [world.vitals(offer).error_rate for offer in fit])
    able = factor(-profile.capability, [offer.weight for offer in fit])
    found: Judged = {}
    for offer in fit:
        terms = (
            cost * world.cost(offer),
            slow * latency(offer),
            fail * world.vitals(offer).error_rate,
            able * offer.weight,
        )
        found[offer.name] = (
            Score(cost=terms[0], latency=terms[1], failure=terms[2], capability=terms[3], total=sum(terms)),
            None,
        )
    return found


def by_judgement(
    world: Reference, offer: Offer, score: Score | None, luck: float | None
) -> tuple[float, float, float, str]:
    first = score.total if score is not None else -(luck or 0.0)
    return first, -offer.weight, world.cost(offer), offer.name


def statically_fit(world: Reference) -> list[Offer]:
    """Whom the draws are for: what the files rule out takes no part in them."""
    return sorted(
        (offer for offer in world.everyone() if not any(world.fixed_faults(offer))), key=lambda offer: offer.name
    )


def drawn(world: Reference, fit: Sequence[Offer]) -> Judged:
    size, players = bucket(world.ask.input_tokens), statically_fit(world)
    down = [offer for offer in players if world.standing(offer) >= 2]
    first = max(12, min(12 * len(players) // max(len(players) - min(len(down), len(players) - 1), 1), 256))
    first = first * len(players) // max(len(players) - (len(players) - len(fit)), 1)
    arms = Arms([world.moment.arms.get((offer.name, size)) for offer in players])
    random = Random(world.moment.chance)
    draws = every_arm(arms, len(players), random) if len(players) <= HANDFUL else luckiest(arms, random, first)
    luck = {players[place].name: value for value, place in draws}
    return {name: (None, value) for name, value in luck.items()}


def hint_luck(world: Reference, offer: Offer) -> float:
    place = [each.name for each in statically_fit(world)].index(offer.name)
    arm = world.moment.arms.get((offer.name, bucket(world.ask.input_tokens)))
    return draw(arm, Random(world.moment.chance ^ ((place + 1) << 64)))


def hinted_by(world: Reference, target: Target | None) -> list[Offer]:
    found: dict[str, Offer] = {}
    for group in target.groups if target is not None else ():
        assert target is not None
        for offer in in_order(target.strategy, world.fit(group.offers), world, target.turn.used):
            found.setdefault(offer.name, offer)
    return list(found.values())


def a_step(world: Reference, offer: Offer, reason: str, score: Score | None = None, luck: float | None = None) -> Step:
    return Step(
        offer=offer,
        reason=reason,
        cost_usd=world.cost(offer),
        output_tokens=world.output(offer),
        score=score,
        draw=luck,
        standing=STANDINGS[world.standing(offer)],
    )


def planned(snapshot: Snapshot, moment: Moment, ask: Ask) -> tuple[list[Step], Refused] | None:
    """None for what this reference does not know: names, ladders."""
    if ask.policy is not None:
        return None if (ask.policy.hint or "").strip() == "*" else policy(snapshot, moment, ask)
    return auto(snapshot, moment, ask) if ask.name == "auto" and not snapshot.table.aliases.get("auto") else None


def ended(decide: Callable[[Snapshot, Moment, Ask], Plan], snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan | None:
    try:
        return decide(snapshot, moment, ask)
    except RequestError:
        return None
