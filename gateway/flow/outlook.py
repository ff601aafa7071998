"""What would become of an ask: all that serving looks at before it calls a provider, and nothing is taken or noted.

`explain`, the tests in a configuration and comparisons of two configurations ask here.
"""

from msgspec import Struct

from gateway.domain.ask import Ask
from gateway.domain.key import Key, Scope
from gateway.domain.moment import Moment
from gateway.domain.plan import Plan
from gateway.domain.snapshot import Snapshot
from gateway.errors import RequestError
from gateway.flow.decide import decide, explain
from gateway.flow.rights import check_scope, opens, over_limit, unknown_key
from gateway.flow.upper_bound import upper_bound
from gateway.state.limits import Denial
from gateway.state.stores.memory import MemoryLimits


class Outlook(Struct, frozen=True, kw_only=True):
    """The decision, and how the request would end if not with an answer."""

    plan: Plan | None
    """What serving would try; None where it would try nothing."""
    error: RequestError | None = None
    """Why nothing would be sent."""


def outlook(snapshot: Snapshot, moment: Moment, ask: Ask) -> Outlook:
    """As a request would find it that comes alone: no other has used up any limit."""
    try:
        check_rights(ask, moment.unix)
        plan = decide(snapshot, moment, ask)
    except RequestError as error:
        return Outlook(plan=None, error=error)
    return Outlook(plan=plan, error=resting(plan) or _beyond_limits(ask, plan, moment))


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


def _beyond_limits(ask: Ask, plan: Plan, moment: Moment) -> RequestError | None:
    key: Key | None = ask.key
    if key is None:
        return None
    tokens, usd = upper_bound(ask, plan)
    told = MemoryLimits(moment.now, moment.unix).reserve(key, tokens, usd, moment.now, moment.unix)
    return over_limit(told) if isinstance(told, Denial) else None
