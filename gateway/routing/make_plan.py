"""Decide which offers a request will try, in which order, and why: the one pure function of this house.

Serving, `explain`, routing tests in the files, plans between two revisions and what-if questions are all callers of
these two functions. The same snapshot, moment and ask give the same plan.
"""

from sys import maxsize

from msgspec.structs import replace

from gateway.domain.ask import Ask
from gateway.domain.moment import EMPTY, Moment
from gateway.domain.plan import Plan
from gateway.domain.snapshot import Snapshot
from gateway.routing.lineup import Depth
from gateway.routing.named import plan_named
from gateway.routing.policy import plan_policy
from gateway.routing.refuse import nothing_to_try
from gateway.routing.scene import Scene, may_drop, set_scene

FEWEST_STEPS = 8

EVERYTHING = Depth(maxsize, maxsize)


def make_plan(snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan:
    """The first few steps, found without reading more of the table than they need.

    Raises RequestError where there is nothing to try. A plan that is not `healthy` has steps, all of them resting.
    """
    scene = set_scene(snapshot, moment, ask)
    plan = _draft(scene, serving(snapshot))
    if not plan.steps:
        raise nothing_to_try(_draft(scene, EVERYTHING), scene)
    return plan


def explain_plan(snapshot: Snapshot, moment: Moment, ask: Ask) -> Plan:
    """The same decision with every step and every refusal; without steps where `make_plan` would raise for that.

    Raises RequestError only for what the caller got wrong: an unknown name, a missing one.
    """
    return _draft(set_scene(snapshot, moment, ask), EVERYTHING)


def _draft(scene: Scene, depth: Depth) -> Plan:
    """Where fields may be dropped, that is done only if nobody can be told them all."""
    plan = _drawn(scene, depth)
    if plan.steps or not scene.ask.unsupported or not may_drop(scene):
        return plan
    return _drawn(replace(scene, ask=replace(scene.ask, unsupported=EMPTY)), depth)


def _drawn(scene: Scene, depth: Depth) -> Plan:
    if scene.policy is not None:
        return plan_policy(scene, scene.policy, depth)
    return plan_named(scene, depth)


def serving(snapshot: Snapshot) -> Depth:
    """Enough for every attempt that may be made."""
    most = snapshot.routing.retries.max_attempts + snapshot.defaults.max_fallbacks
    return Depth(max(FEWEST_STEPS, most), 0)
