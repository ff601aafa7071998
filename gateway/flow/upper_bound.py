"""What a request may use at most, and what it will probably use: set aside before it runs, given back after it."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.ask import Ask, OutputContract
from gateway.domain.plan import Plan
from gateway.domain.table import Offer
from gateway.flow.rights import over_limit
from gateway.routing.estimate import MILLION, estimate_cost, output_tokens, padded
from gateway.state.limits import too_long

UNKNOWN_OUTPUT = 4096
"""Reserved where neither the caller nor the model says how long an answer may get."""
MOST_CEILINGS = 64
"""Callers may wish for answers of any length."""

Demand = tuple[int, float | None, int]
"""Tokens and dollars that no step of a plan can pass, None where one of them has no price; and probable tokens."""


class Ceiling(Struct, frozen=True):
    """What no step of a plan can pass, but for its input."""

    output_tokens: int
    """Of all choices."""
    prices: Sequence[tuple[float, float, float]]
    """Of each step: dollars for a million input tokens, for a million times all output, and for each request."""
    priced: bool


Ceilings = dict[tuple[int | None, int], Ceiling | None]
"""Of plans that try the same offers: by how long an answer is wished for, and how many choices.

None where a price depends on how long the input is.
"""


def demand_of(ask: Ask, plan: Plan, repairs: int, ceilings: Ceilings | None = None) -> Demand:
    """What is probable goes by the estimate that the first step was chosen with."""
    if ceilings is None or ask.output is not None:
        return _summed_up(ask, plan, repairs)
    wish = ask.output_tokens, ask.choices
    try:
        ceiling = ceilings[wish]
    except KeyError:
        ceiling = _learnt(ceilings, wish, ask, plan)
    if ceiling is None:
        return _summed_up(ask, plan, repairs)
    probable, usd = ask.input_tokens, 0.0
    input_tokens = padded(probable)
    for per_input, output, request in ceiling.prices:
        cost = (input_tokens * per_input + output) / MILLION + request
        if cost > usd:
            usd = cost
    paced = probable + plan.steps[0].output_tokens * wish[1]
    return input_tokens + ceiling.output_tokens, usd if ceiling.priced else None, paced


def longest_output(ask: Ask, plan: Plan) -> int:
    """Per choice, over all steps."""
    wanted = _wanted(ask)
    return max((_longest(wanted, step.offer) for step in plan.steps + plan.wider), default=0)


def within(ask: Ask, plan: Plan, most: int) -> Ask:
    """What was asked for must fit; a caller who does not say how long the answer may get is given what is left."""
    if ask.endpoint == "embeddings" or ask.output_tokens is not None:
        tokens = ask.input_tokens + longest_output(ask, plan) * ask.choices
        if tokens > most:
            raise over_limit(too_long(most, tokens))
        return ask
    room = (most - ask.input_tokens) // ask.choices
    if room < 1:
        raise over_limit(too_long(most, ask.input_tokens + ask.choices))
    if longest_output(ask, plan) <= room:
        return ask
    payload = {name: value for name, value in ask.payload.items() if name != "max_completion_tokens"}
    return replace(ask, payload=payload | {"max_tokens": room}, output_tokens=room)


def _learnt(ceilings: Ceilings, wish: tuple[int | None, int], ask: Ask, plan: Plan) -> Ceiling | None:
    if len(ceilings) >= MOST_CEILINGS:
        ceilings.clear()
    ceiling = ceilings[wish] = _ceiling(ask, plan)
    return ceiling


def _ceiling(ask: Ask, plan: Plan) -> Ceiling | None:
    offers, wanted, choices = [step.offer for step in plan.steps + plan.wider], _wanted(ask), ask.choices
    prices = [(offer.price, _longest(wanted, offer) * choices) for offer in offers]
    if not offers or any(price is not None and price.above is not None for price, _ in prices):
        return None
    return Ceiling(
        max(tokens for _, tokens in prices),
        tuple({(price.input, tokens * price.output, price.request) for price, tokens in prices if price is not None}),
        all(price is not None for price, _ in prices),
    )


def _summed_up(ask: Ask, plan: Plan, repairs: int) -> Demand:
    steps, wanted, choices, input_tokens = plan.steps, _wanted(ask), ask.choices, padded(ask.input_tokens)
    if not steps:
        return 0, 0.0, ask.input_tokens
    paced = ask.input_tokens + steps[0].output_tokens * choices
    longest, usd, priced = 0, 0.0, True
    for step in steps + plan.wider:
        offer = step.offer
        output = _longest(wanted, offer)
        if output > longest:
            longest = output
        if offer.price is None:
            priced = False
        cost = estimate_cost(offer, input_tokens, output, choices)
        if cost > usd:
            usd = cost
    tokens = input_tokens + longest * choices
    if ask.output is not None:
        rounds = _rounds(ask.output, repairs)
        tokens, usd = tokens * rounds, usd * rounds
    return tokens, usd if priced else None, paced


def _rounds(contract: OutputContract, repairs: int) -> int:
    """How often one step may be paid: an answer in the wrong shape is sent back."""
    shaped = contract.schema is not None or contract.type in ("json", "xml")
    return 1 + repairs if shaped else 1


def _wanted(ask: Ask) -> int | None:
    """None where nobody says how long an answer may get."""
    if ask.endpoint == "embeddings":
        return 0
    wanted = ask.output_tokens
    shaped = ask.output.max_tokens if ask.output is not None else None
    return wanted if shaped is None else shaped if wanted is None else min(wanted, shaped)


def _longest(wanted: int | None, offer: Offer) -> int:
    if wanted is None:
        return offer.max_output_tokens or UNKNOWN_OUTPUT
    return output_tokens(wanted, offer)
