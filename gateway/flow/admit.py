"""May this request run now? The key's limits are asked once, with an upper bound of what the plan may use."""

from collections.abc import Awaitable

from gateway.domain.key import Limits
from gateway.domain.plan import Plan
from gateway.flow.receipt import Receipt
from gateway.flow.rights import over_limit
from gateway.flow.upper_bound import demand_of, within
from gateway.state.limits import Denial, Reservation, is_capped, quota_unavailable

UNLIMITED = Limits()


def admit(receipt: Receipt, plan: Plan, now: float) -> Awaitable[None] | None:
    """Reserves, or ends the request with the limit that stands against it; await it where a shared store is asked."""
    key = receipt.ask.key
    if key is None or key.limits == UNLIMITED:
        return None
    limits = key.limits
    if limits.request_tokens is not None:
        receipt.ask = within(receipt.ask, plan, limits.request_tokens)
    gateway, visit, ask, patience_s = receipt.gateway, receipt.visit, receipt.ask, receipt.patience_s
    if not (gateway.sums_known and gateway.ledger.journal.accepting) and is_capped(limits):
        raise over_limit(quota_unavailable())
    repairs = 0 if ask.output is None else visit.snapshot.routing.structured_output.repairs
    tokens, usd, paced = demand_of(ask, plan, repairs, receipt.ceilings)
    unix = visit.started_unix
    outcome = gateway.limits.reserve(key, tokens, usd, now, unix, patience_s, paced)
    if outcome is None:
        return _heard(receipt, gateway.limits.ask(key, tokens, usd, now, unix, patience_s, paced))
    if type(outcome) is Denial:
        raise over_limit(outcome)
    receipt.reservation = outcome
    return None


async def _heard(receipt: Receipt, told: Awaitable[Reservation | Denial]) -> None:
    outcome = await told
    if type(outcome) is Denial:
        raise over_limit(outcome)
    receipt.reservation = outcome
