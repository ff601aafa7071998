"""The decision for one ask: the plan of the routing room, less what a provider's dialect cannot say."""

from msgspec.structs import replace

from gateway.dialects.registry import dialect_of
from gateway.domain.ask import Ask
from gateway.domain.moment import Moment
from gateway.domain.plan import Plan, Refusal, Step
from gateway.domain.snapshot import Snapshot
from gateway.errors import RequestError
from gateway.routing.make_plan import make_plan


def decide(snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan:
    """What serving, `explain` and the tests in a configuration all ask."""
    return without_the_unsayable(snapshot, ask, make_plan(snapshot, moment, ask))


def without_the_unsayable(snapshot: Snapshot, ask: Ask, plan: Plan) -> Plan:
    """Drops steps whose dialect has no words for a field of the request, unless the operator lets fields be dropped."""
    if snapshot.defaults.unsupported_parameters == "drop":
        return plan
    refused = [refusal for step in plan.steps if (refusal := _speechless(snapshot, ask, step)) is not None]
    if not refused:
        return plan
    names = {refusal.name for refusal in refused}
    steps = tuple(step for step in plan.steps if step.offer.name not in names)
    if not steps:
        raise _cannot_say(snapshot, ask, plan)
    wider = tuple(step for step in plan.wider if _speechless(snapshot, ask, step) is None)
    return replace(plan, steps=steps, wider=wider, refused=(*plan.refused, *refused))


def _speechless(snapshot: Snapshot, ask: Ask, step: Step) -> Refusal | None:
    provider = snapshot.table.providers[step.offer.provider]
    fields = dialect_of(provider.dialect).unsupported(ask, provider)
    if not fields:
        return None
    return Refusal(name=step.offer.name, rule="dialect", why=f"{provider.name} has no words for `{fields[0]}`")


def _cannot_say(snapshot: Snapshot, ask: Ask, plan: Plan) -> RequestError:
    provider = snapshot.table.providers[plan.steps[0].offer.provider]
    field = dialect_of(provider.dialect).unsupported(ask, provider)[0]
    if ask.policy is not None:
        return RequestError("no_eligible", "no_eligible_models", "no eligible models")
    return RequestError(
        "invalid_value",
        "unsupported_parameter",
        f"`{field}` cannot be expressed to the provider `{provider.name}`. Leave it out, or ask another model.",
        param=field,
        provider=provider.name,
    )


def dropped_fields(snapshot: Snapshot, ask: Ask, step: Step) -> tuple[str, ...]:
    """What the serving provider was not told, where the operator allows that."""
    if snapshot.defaults.unsupported_parameters != "drop":
        return ()
    provider = snapshot.table.providers[step.offer.provider]
    return dialect_of(provider.dialect).unsupported(ask, provider)
