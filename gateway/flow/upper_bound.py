"""What a request may use at most, and what it will probably use: set aside before it runs, given back after it."""

from msgspec.structs import replace

from gateway.domain.ask import Ask, OutputContract
from gateway.domain.plan import Plan
from gateway.domain.table import Offer
from gateway.flow.rights import over_limit
from gateway.routing.estimate import estimate_cost, output_tokens, padded
from gateway.state.limits import too_long

UNKNOWN_OUTPUT = 4096
"""Reserved where neither the caller nor the model says how long an answer may get."""


def demand_of(ask: Ask, plan: Plan, repairs: int) -> tuple[int, float | None, int]:
    """Tokens and dollars that no step of the plan can pass, None where one of them has no price; and probable tokens.

    What is probable goes by the estimate that the first step was chosen with.
    """
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
