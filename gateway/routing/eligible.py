"""Which offers may be tried at all: a chain of small rules, each with a stable word and a sentence.

| rule | an offer is passed over because | asks |
| --- | --- | --- |
| `endpoint` | it does not serve the endpoint | all |
| `features` | it lacks what the request needs (tools, vision, …) | where we choose the model |
| `parameters` | its provider's dialect cannot express a field of the request | all, unless fields may be dropped |
| `weight` | its capability is below the caller's `min_weight` | policy |
| `window` | the input, with headroom, and the output do not fit | policy; else only where there is no doubt |
| `budget` | its estimated cost is above `max_budget_usd` | policy |
| `disabled` | its model or its provider is switched off, in the files or at run time | all |
| `latency` | its median time to first byte is above `max_latency_ms` | policy |
| `circuit` | its circuit, or its provider's, is open | policy; else with `open_offers: out` |

What the key may not use is never a candidate and never named. A cooling offer is not refused; it is tried last.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from gateway.domain.plan import Refusal
from gateway.domain.table import Offer
from gateway.routing.estimate import HEADROOM, output_tokens
from gateway.routing.scene import OPEN, Scene, back_in_s, cost_of, standing_of, vitals_of

CERTAIN = 2
"""The estimate does not miss by this factor on any text it was calibrated with: beyond it, asking is useless."""


class Rule(NamedTuple):
    """`matters` is asked once a plan, `breaks` for every offer, `why` only where somebody will read it."""

    word: str
    breaks: Callable[[Offer, Scene], bool]
    why: Callable[[Offer, Scene], str]
    matters: Callable[[Scene], bool]


class Notes:
    """Refusals as they come, up to a limit: a caller reads some, `explain` reads all."""

    __slots__ = ("_most", "refused")

    def __init__(self, most: int, refused: Iterable[Refusal] = ()) -> None:
        self._most = most
        self.refused = list(refused)

    @property
    def wanted(self) -> bool:
        """Somebody will read them."""
        return len(self.refused) < self._most

    def refuse(self, offers: Iterable[Offer], rule: Rule, scene: Scene) -> None:
        for offer in offers:
            if len(self.refused) >= self._most:
                return
            if rule.breaks(offer, scene):
                self.note(offer.name, rule.word, rule.why(offer, scene))

    def note(self, name: str, rule: str, why: str) -> None:
        self.refused.append(Refusal(name=name, rule=rule, why=why))


class Sieve(Struct, frozen=True):
    """The rules that can refuse anything in this scene, and where their refusals go."""

    rules: Sequence[Rule]
    scene: Scene
    notes: Notes


def make_sieve(chain: Sequence[Rule], scene: Scene, notes: Notes) -> Sieve:
    return Sieve([rule for rule in chain if rule.matters is _always or rule.matters(scene)], scene, notes)


def sift(offers: Sequence[Offer], sieve: Sieve) -> Sequence[Offer]:
    """The offers that break no rule; each of the others is refused by the first rule it breaks."""
    if len(offers) == 1:
        return _sift_one(offers, sieve)
    scene = sieve.scene
    for rule in sieve.rules:
        breaks = rule.breaks
        for offer in offers:
            if breaks(offer, scene):
                sieve.notes.refuse(offers, rule, scene)
                offers = [offer for offer in offers if not breaks(offer, scene)]
                break
    return offers


def _sift_one(offers: Sequence[Offer], sieve: Sieve) -> Sequence[Offer]:
    offer, scene = offers[0], sieve.scene
    for rule in sieve.rules:
        if rule.breaks(offer, scene):
            sieve.notes.refuse(offers, rule, scene)
            return ()
    return offers


def serves(offer: Offer, scene: Scene) -> bool:
    return not _wrong_endpoint(offer, scene)


def _lacks_features(offer: Offer, scene: Scene) -> bool:
    return not scene.ask.features <= offer.capabilities


def looks_too_small(offer: Offer, scene: Scene) -> bool:
    """By our estimate the input is longer than the window; the provider may see it otherwise."""
    return 0 < offer.context_window < scene.ask.input_tokens and one_text(scene)


def one_text(scene: Scene) -> bool:
    """The whole input has to fit one window; a list of texts to embed or complete does not."""
    ask = scene.ask
    return ask.endpoint == "chat" or (ask.endpoint == "completions" and isinstance(ask.payload.get("prompt"), str))


def _wrong_endpoint(offer: Offer, scene: Scene) -> bool:
    endpoint = scene.ask.endpoint
    return endpoint not in offer.capabilities and not (endpoint == "completions" and offer.via_chat)


def _why_endpoint(offer: Offer, scene: Scene) -> str:
    serves = ", ".join(sorted(offer.capabilities)) or "nothing"
    return f"does not serve {scene.ask.endpoint}, only {serves}"


def _disabled(offer: Offer, scene: Scene) -> bool:
    table, place = scene.table, offer.provider
    return (
        place in scene.moment.disabled_providers
        or not table.providers[place].enabled
        or not table.models[offer.model].enabled
    )


def _why_disabled(offer: Offer, scene: Scene) -> str:
    if offer.provider in scene.moment.disabled_providers:
        return f"provider {offer.provider} is switched off at run time"
    if not scene.table.providers[offer.provider].enabled:
        return f"provider {offer.provider} is disabled"
    return f"model {offer.model} is disabled"


def _why_features(offer: Offer, scene: Scene) -> str:
    return f"declares no {', '.join(sorted(scene.ask.features - offer.capabilities))}"


def unsaid(offer: Offer, scene: Scene) -> tuple[str, ...]:
    """Fields of the request that this offer's provider, or else its model, will not hear."""
    told = scene.ask.unsupported[offer.provider]
    return (scene.ask.unsupported[offer.name] or ()) if told is None else told


def _cannot_say(offer: Offer, scene: Scene) -> bool:
    told = scene.ask.unsupported[offer.provider]
    return bool(scene.ask.unsupported[offer.name] if told is None else told)


def _why_cannot_say(offer: Offer, scene: Scene) -> str:
    return f"provider {offer.provider} cannot express {', '.join(unsaid(offer, scene))}"


def _too_weak(offer: Offer, scene: Scene) -> bool:
    return scene.policy is not None and offer.weight < scene.policy.min_weight


def _why_weak(offer: Offer, scene: Scene) -> str:
    return f"weight {offer.weight:g} is below {scene.policy.min_weight:g}" if scene.policy else ""


def _overflows(offer: Offer, scene: Scene) -> bool:
    """Hard: the input with headroom and the output have to fit."""
    window, most, wanted = offer.context_window, offer.max_output_tokens, scene.wanted
    return 0 < window < scene.padded + (most if 0 < most < wanted else wanted)


def _why_overflows(offer: Offer, scene: Scene) -> str:
    output = output_tokens(scene.wanted, offer)
    return (
        f"about {scene.ask.input_tokens} tokens of input (and {HEADROOM - 1:.0%}) and {output} of output "
        f"do not fit its window of {offer.context_window}"
    )


def _hopeless(offer: Offer, scene: Scene) -> bool:
    return 0 < offer.context_window * CERTAIN <= scene.ask.input_tokens


def _why_hopeless(offer: Offer, scene: Scene) -> str:
    return f"about {scene.ask.input_tokens} tokens of input do not fit its window of {offer.context_window}"


def _too_dear(offer: Offer, scene: Scene) -> bool:
    return scene.policy is not None and cost_of(offer, scene) > scene.policy.max_budget_usd


def _why_dear(offer: Offer, scene: Scene) -> str:
    budget = scene.policy.max_budget_usd if scene.policy else 0.0
    return f"estimated cost {cost_of(offer, scene):.6f} USD is above {budget:g} USD"


def _too_slow(offer: Offer, scene: Scene) -> bool:
    seen = scene.moment.offers.get(offer.name)
    if seen is None or seen.latency_ms is None or scene.policy is None:
        return False
    return seen.latency_ms > scene.policy.max_latency_ms


def _why_slow(offer: Offer, scene: Scene) -> str:
    limit = scene.policy.max_latency_ms if scene.policy else 0
    return f"median time to first byte {vitals_of(offer, scene).latency_ms:.0f} ms is above {limit} ms"


def _circuit_open(offer: Offer, scene: Scene) -> bool:
    moment = scene.moment
    mine, place = moment.offers.get(offer.name), moment.providers.get(offer.provider)
    may_be = (mine is not None and mine.open_until) or (place is not None and place.open_until)
    return bool(may_be) and standing_of(offer, moment) == OPEN


def _why_circuit(offer: Offer, scene: Scene) -> str:
    return f"circuit is open for another {back_in_s(offer, scene.moment):.1f} s"


def _always(_scene: Scene) -> bool:
    return True


def _wants_features(scene: Scene) -> bool:
    return bool(scene.ask.features)


def _says_much(scene: Scene) -> bool:
    return bool(scene.ask.unsupported)


def _wants_weight(scene: Scene) -> bool:
    return scene.policy is not None and scene.policy.min_weight > 0


def _knows_health(scene: Scene) -> bool:
    return bool(scene.moment.offers or scene.moment.providers)


def _drops_open(scene: Scene) -> bool:
    return scene.snapshot.routing.health.open_offers == "out" and _knows_health(scene)


FEATURES = Rule("features", _lacks_features, _why_features, _wants_features)
PARAMETERS = Rule("parameters", _cannot_say, _why_cannot_say, _says_much)
_ENDPOINT = Rule("endpoint", _wrong_endpoint, _why_endpoint, _always)
_DISABLED = Rule("disabled", _disabled, _why_disabled, _always)
_HOPELESS = Rule("window", _hopeless, _why_hopeless, one_text)
_OPEN_IS_OUT = Rule("circuit", _circuit_open, _why_circuit, _drops_open)

FORGIVEN = (FEATURES, PARAMETERS)
"""Operators declare too little: where every offer of a named model lacks a feature, the provider is asked anyway; and
where none can be told a field, it is left out if the files allow that."""
NAMED = (_ENDPOINT, _HOPELESS, _DISABLED, _OPEN_IS_OUT)
NAMED_WORD_FOR_WORD = (_ENDPOINT, PARAMETERS, _HOPELESS, _DISABLED, _OPEN_IS_OUT)
CHOSEN = (_ENDPOINT, FEATURES, PARAMETERS, _HOPELESS, _DISABLED, _OPEN_IS_OUT)
"""Where we pick among models, we answer for the pick."""
POLICY = (
    _ENDPOINT,
    FEATURES,
    PARAMETERS,
    Rule("weight", _too_weak, _why_weak, _wants_weight),
    Rule("window", _overflows, _why_overflows, _always),
    Rule("budget", _too_dear, _why_dear, _always),
    _DISABLED,
    Rule("latency", _too_slow, _why_slow, _knows_health),
    Rule("circuit", _circuit_open, _why_circuit, _knows_health),
)
"""First what the request and the offer are, then how the world is: what is refused last would otherwise do."""
