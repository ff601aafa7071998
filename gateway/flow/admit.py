"""May this request run now? The key's limits are asked once, with an upper bound of what the plan may use."""

from gateway.domain.key import Limits
from gateway.domain.plan import Plan
from gateway.flow.receipt import Receipt
from gateway.flow.rights import over_limit
from gateway.flow.upper_bound import upper_bound
from gateway.state.limits import Denial

UNLIMITED = Limits()


async def admit(receipt: Receipt, plan: Plan) -> None:
    """Reserves, or ends the request with the limit that stands against it."""
    key = receipt.ask.key
    if key is None or key.limits == UNLIMITED:
        return
    gateway = receipt.gateway
    tokens, usd = upper_bound(receipt.ask, plan)
    deadline_s = receipt.patience_s
    now, unix = gateway.clock.monotonic(), gateway.clock.unix()
    reservation = gateway.limits.reserve(key, tokens, usd, now, unix, deadline_s)
    if reservation is None:
        reservation = await gateway.limits.ask(key, tokens, usd, now, unix, deadline_s)
    if isinstance(reservation, Denial):
        raise over_limit(reservation)
    receipt.reservation = reservation
