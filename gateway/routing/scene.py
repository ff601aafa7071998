"""One request in one world: what every rule and every order looks at."""

from msgspec import Struct

from gateway.domain.ask import Ask, Policy
from gateway.domain.moment import UNKNOWN, Moment, Vitals
from gateway.domain.plan import Standing
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Offer, Strategy, Table
from gateway.routing.estimate import HEADROOM, estimate_cost, output_wanted

STANDINGS: tuple[Standing, ...] = ("well", "trial", "cooling", "open")
WELL, TRIAL, COOLING, OPEN = range(4)

NO_TRIAL_WAIT_S = 1.0
"""A half-open circuit whose trials are all under way decides within about this time."""


class Scene(Struct, frozen=True):
    """Built once per plan; nothing in it is copied."""

    snapshot: Snapshot
    table: Table
    moment: Moment
    ask: Ask
    policy: Policy | None
    allowed: frozenset[str] | None
    """Names of the offers the key may use; None means all."""
    strategy: Strategy
    wanted: int
    """Output tokens per choice, before a model's maximum."""
    padded: float
    """Input tokens with headroom."""


def set_scene(snapshot: Snapshot, moment: Moment, ask: Ask) -> Scene:
    return Scene(
        snapshot,
        snapshot.table,
        moment,
        ask,
        ask.policy,
        ask.key.offers if ask.key is not None else None,
        ask.strategy or snapshot.defaults.strategy,
        output_wanted(ask),
        ask.input_tokens * HEADROOM,
    )


def may_drop(scene: Scene) -> bool:
    """Fields that a provider cannot be told may be left out."""
    return scene.snapshot.defaults.unsupported_parameters == "drop"


def cost_of(offer: Offer, scene: Scene) -> float:
    """What this request costs at this offer, if it uses all the output it asks for."""
    ask, most, wanted = scene.ask, offer.max_output_tokens, scene.wanted
    return estimate_cost(offer, ask.input_tokens, most if 0 < most < wanted else wanted, ask.choices)


def permitted(offers: tuple[Offer, ...], scene: Scene) -> tuple[Offer, ...]:
    """The offers this caller may know of. What a key may not use leaves no trace, not even a refusal."""
    allowed = scene.allowed
    if allowed is None:
        return offers
    return tuple(offer for offer in offers if offer.name in allowed)


def vitals_of(offer: Offer, scene: Scene) -> Vitals:
    return scene.moment.offers.get(offer.name, UNKNOWN)


def standing_of(offer: Offer, moment: Moment) -> int:
    """The worse of how the offer and its provider are."""
    mine = moment.offers.get(offer.name)
    place = moment.providers.get(offer.provider)
    own = WELL if mine is None else standing(mine, moment.now)
    return own if place is None else max(own, standing(place, moment.now))


def back_in_s(offer: Offer, moment: Moment) -> float:
    """Seconds until the offer may work again."""
    both = (moment.offers.get(offer.name, UNKNOWN), moment.providers.get(offer.provider, UNKNOWN))
    return max(_back_in_s(vitals, moment.now) for vitals in both)


def standing(vitals: Vitals, now: float) -> int:
    open_until = vitals.open_until
    if open_until and (open_until > now or vitals.trials_left <= 0):
        return OPEN
    if vitals.cooldown_until > now:
        return COOLING
    return TRIAL if open_until else WELL


def _back_in_s(vitals: Vitals, now: float) -> float:
    rest_s = max(vitals.open_until, vitals.cooldown_until) - now
    if rest_s > 0:
        return rest_s
    return NO_TRIAL_WAIT_S if standing(vitals, now) == OPEN else 0.0
