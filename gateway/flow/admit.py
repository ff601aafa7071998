"""May this request run now? The key's limits are asked once, with an upper bound of what the plan may use."""

from gateway.domain.key import Limits
from gateway.domain.plan import Plan
from gateway.errors import RequestError
from gateway.flow.receipt import Receipt
from gateway.routing.estimate import estimate_cost, output_tokens, padded, upper_bound_tokens
from gateway.state.limits import Denial

UNLIMITED = Limits()
UNKNOWN_OUTPUT = 4096
"""Reserved where neither the caller nor the model says how long an answer may get."""


async def admit(receipt: Receipt, plan: Plan) -> None:
    """Reserves, or ends the request with the limit that stands against it."""
    key = receipt.ask.key
    if key is None or key.limits == UNLIMITED:
        return
    gateway = receipt.gateway
    tokens, usd = upper_bound(receipt, plan)
    deadline_s = receipt.patience_s
    now, unix = gateway.clock.monotonic(), gateway.clock.unix()
    reservation = gateway.limits.reserve(key, tokens, usd, now, unix, deadline_s)
    if reservation is None:
        reservation = await gateway.limits.ask(key, tokens, usd, now, unix, deadline_s)
    if isinstance(reservation, Denial):
        raise RequestError(
            reservation.kind,
            reservation.code,
            reservation.message,
            retry_after_s=reservation.retry_after_s,
            facts=dict(reservation.facts),
        )
    receipt.reservation = reservation


def upper_bound(receipt: Receipt, plan: Plan) -> tuple[int, float | None]:
    """Tokens and dollars that no step of the plan can pass; None where one of them has no price."""
    ask = receipt.ask
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
