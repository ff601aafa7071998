"""The decision for one ask: the plan of the routing room, which is told what each provider's dialect cannot say."""

from msgspec.structs import replace

from gateway.domain.ask import Ask
from gateway.domain.moment import Moment
from gateway.domain.plan import Plan, Step
from gateway.domain.snapshot import Snapshot
from gateway.flow.unsayable import Unsayable, unsupported
from gateway.routing.make_plan import explain_plan, make_plan

TOLD = 16


def decide(snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan:
    """What serving, `explain` and the tests in a configuration all ask."""
    return make_plan(snapshot, moment, in_words(snapshot, ask))


def decide_aloud(snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan:
    """The same, and why the first few of the others are not tried: for callers who want to read that."""
    ask = in_words(snapshot, ask)
    plan = make_plan(snapshot, moment, ask)
    return replace(plan, refused=explain_plan(snapshot, moment, ask).refused[:TOLD])


def explain(snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan:
    """The same decision with every step and every refusal; raises only for what the caller got wrong."""
    return explain_plan(snapshot, moment, in_words(snapshot, ask))


def in_words(snapshot: Snapshot, ask: Ask) -> Ask:
    """The ask, knowing to whom it cannot be said."""
    return replace(ask, unsupported=Unsayable(snapshot.table, ask))


def dropped_fields(snapshot: Snapshot, ask: Ask, step: Step) -> tuple[str, ...]:
    """What the serving provider was not told, where the operator allows that."""
    if snapshot.defaults.unsupported_parameters != "drop":
        return ()
    return (*ask.left_out, *unsupported(snapshot.table, ask, step.offer))
