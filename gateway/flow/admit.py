"""May this request run now? The key's limits are asked once, with an upper bound of what the plan may use."""

from gateway.domain.key import Key, Limits
from gateway.domain.plan import Plan
from gateway.flow.receipt import Receipt
from gateway.flow.rights import over_limit
from gateway.flow.upper_bound import probable_tokens, rounds_of, upper_bound, within
from gateway.state.limits import Denial, is_capped, quota_unavailable

UNLIMITED = Limits()


async def admit(receipt: Receipt, plan: Plan) -> None:
    """Reserves, or ends the request with the limit that stands against it."""
    key = receipt.ask.key
    if key is None or key.limits == UNLIMITED:
        return
    if key.limits.request_tokens is not None:
        receipt.ask = within(receipt.ask, plan, key.limits.request_tokens)
    await _reserve(receipt, plan, key)


async def _reserve(receipt: Receipt, plan: Plan, key: Key) -> None:
    gateway, ask = receipt.gateway, receipt.ask
    if is_capped(key.limits) and not gateway.knows_sums:
        raise over_limit(quota_unavailable())
    tokens, usd = upper_bound(ask, plan, rounds_of(ask, receipt.visit.snapshot.routing.structured_output.repairs))
    paced = probable_tokens(ask, plan)
    now, unix = gateway.clock.monotonic(), gateway.clock.unix()
    reservation = gateway.limits.reserve(key, tokens, usd, now, unix, receipt.patience_s, paced)
    if reservation is None:
        reservation = await gateway.limits.ask(key, tokens, usd, now, unix, receipt.patience_s, paced)
    if isinstance(reservation, Denial):
        raise over_limit(reservation)
    receipt.reservation = reservation
