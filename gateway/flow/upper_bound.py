"""What a request may use at most: set aside before it runs, given back after it."""

from gateway.domain.ask import Ask
from gateway.domain.plan import Plan
from gateway.routing.estimate import estimate_cost, output_tokens, padded, upper_bound_tokens

UNKNOWN_OUTPUT = 4096
"""Reserved where neither the caller nor the model says how long an answer may get."""


def upper_bound(ask: Ask, plan: Plan) -> tuple[int, float | None]:
    """Tokens and dollars that no step of the plan can pass; None where one of them has no price."""
    tokens, usd = 0, 0.0
    priced = True
    for step in (*plan.steps, *plan.wider):
        offer = step.offer
        wanted = ask.output_tokens if ask.output_tokens is not None else offer.max_output_tokens or UNKNOWN_OUTPUT
        output = 0 if ask.endpoint == "embeddings" else output_tokens(wanted, offer)
        tokens = max(tokens, upper_bound_tokens(ask.input_tokens, output, ask.choices))
        priced = priced and offer.price is not None
        usd = max(usd, estimate_cost(offer, padded(ask.input_tokens), output, ask.choices))
    return tokens, usd if priced else None
