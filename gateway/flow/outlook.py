"""What would become of an ask: all that serving looks at before it calls a provider, and nothing is taken or noted.

`explain`, the tests in a configuration and comparisons of two configurations ask here.
"""

from collections.abc import Callable

from msgspec import Struct

from gateway.domain.ask import Ask
from gateway.domain.key import Key, Scope
from gateway.domain.moment import Moment
from gateway.domain.plan import Plan
from gateway.domain.snapshot import Snapshot
from gateway.errors import RequestError
from gateway.flow.decide import decide, explain
from gateway.flow.rights import check_scope, opens, over_limit, unknown_key
from gateway.flow.upper_bound import demand_of, within
from gateway.state.limits import Denial
from gateway.state.stores.memory import MemoryLimits


class Demand(Struct, frozen=True, kw_only=True):
    """What a request would set aside."""

    tokens: int
    usd: float | None
    """None where it may come to an offer without a price."""
    paced: int
    """Tokens that the rate is asked for."""


Look = Callable[[Key, Demand], Denial | None]
"""Looks at a key's limits, and touches nothing."""


class Outlook(Struct, frozen=True, kw_only=True):
    """The decision, and how the request would end if not with an answer."""

    plan: Plan | None
    """What serving would try; None where it would try nothing."""
    demand: Demand | None = None
    error: RequestError | None = None
    """Why nothing would be sent."""


def outlook(snapshot: Snapshot, moment: Moment, ask: Ask, look: Look | None = None) -> Outlook:
    """Without `look`, as a request would find it that comes alone: no other has used up any limit."""
    try:
        plan = decide(snapshot, moment, ask)
        if ask.key is not None and ask.key.limits.request_tokens is not None:
            ask = within(ask, plan, ask.key.limits.request_tokens)
    except RequestError as refused:
        return Outlook(plan=None, error=refused)
    tokens, usd, paced = demand_of(ask, plan, snapshot.routing.structured_output.repairs)
    demand = Demand(tokens=tokens, usd=usd, paced=paced)
    error = resting(plan) or _over_limit(ask, demand, look or alone(moment))
    return Outlook(plan=plan, demand=demand, error=error)


def outlook_with_key(snapshot: Snapshot, moment: Moment, ask: Ask) -> Outlook:
    """The same for a caller who is still at the door: a key may have expired, or not be for this endpoint."""
    try:
        check_rights(ask, moment.unix)
    except RequestError as refused:
        return Outlook(plan=None, error=refused)
    return outlook(snapshot, moment, ask)


def alone(moment: Moment) -> Look:
    """Limits that nobody has used so far."""

    def look(key: Key, demand: Demand) -> Denial | None:
        store = MemoryLimits(moment.now, moment.unix)
        told = store.reserve(key, demand.tokens, demand.usd, moment.now, moment.unix, paced=demand.paced)
        return told if isinstance(told, Denial) else None

    return look


def _over_limit(ask: Ask, demand: Demand, look: Look) -> RequestError | None:
    denial = look(ask.key, demand) if ask.key is not None else None
    return over_limit(denial) if denial is not None else None


def whole_plan(snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan | None:
    """The same decision with every step and every refusal; None for what the caller got wrong."""
    try:
        return explain(snapshot, moment, ask)
    except RequestError:
        return None


def check_rights(ask: Ask, unix: float) -> None:
    """An ask without a key may do everything: somebody else let it in."""
    if ask.key is not None:
        if not opens(ask.key, unix):
            raise unknown_key()
        check_scope(ask.key, scope_of(ask))


def scope_of(ask: Ask) -> Scope:
    return "embeddings" if ask.endpoint == "embeddings" else "chat"


def resting(plan: Plan) -> RequestError | None:
    """The end of a request whose every step is failing just now."""
    if plan.healthy:
        return None
    return RequestError(
        "no_provider",
        "no_healthy_provider",
        f"Every provider of `{plan.asked[:64]}` is failing. Try again shortly.",
        provider=plan.steps[0].offer.provider if plan.steps else None,
        retry_after_s=plan.retry_after_s,
    )


def most_attempts(snapshot: Snapshot, ask: Ask, plan: Plan) -> int:
    """A chain that somebody wrote down is walked to its end; any other stops at the configured number of attempts."""
    most = snapshot.routing.retries.max_attempts
    written_down = plan.kind == "wildcard" or ask.fallback is not None
    return max(most, len(plan.steps)) if written_down else most
