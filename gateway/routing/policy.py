"""Plan a request that brings a policy: hint first, then the scored order, and nothing past a hard limit.

| reason | the step was reached by |
| --- | --- |
| `model-hint` | the caller's hint, which is eligible |
| `routed-weight-N` | the mode's score, or Thompson sampling; N is the model's weight |
| `wildcard-rank-N` | rung N of the ladder, counted from 0 |
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from gateway.domain.ask import Policy
from gateway.domain.plan import NameKind, Plan
from gateway.domain.table import Offer
from gateway.routing.eligible import POLICY, Notes, Sieve, make_sieve, sift
from gateway.routing.lineup import Depth, Lineup, in_turn
from gateway.routing.refuse import shown, unknown_mode
from gateway.routing.resolve import AUTO, Group, Target, resolve
from gateway.routing.runners import Runners, runners
from gateway.routing.scene import Scene, permitted
from gateway.routing.score import ByScore
from gateway.routing.thompson import MODE as THOMPSON
from gateway.routing.thompson import ByDraw

HINTED = "model-hint"


def plan_policy(scene: Scene, policy: Policy, depth: Depth) -> Plan:
    modes = scene.snapshot.routing.modes
    if policy.mode != THOMPSON and policy.mode not in modes:
        raise unknown_mode(policy.mode, (*modes, THOMPSON))
    hint = (policy.hint or "").strip() or AUTO
    target = resolve(hint, scene)
    notes = Notes(depth.refusals, target.skipped if target is not None else ())
    if target is None:
        notes.note(shown(hint), "unknown", "the hint does not exist or may not be used")
    sieve = make_sieve(POLICY, scene, notes)
    lineup = Lineup(scene, depth.steps)
    followed = _line_up(target, policy.mode, lineup, sieve)
    return Plan(
        asked=hint,
        kind=_kind(followed),
        alias_from=followed.alias_from if followed is not None else None,
        mode=policy.mode,
        strategy=followed.strategy if followed is not None else None,
        steps=lineup.steps(),
        refused=tuple(notes.refused),
        turn=followed.rotation if followed is not None else None,
        wider=lineup.wider(sieve),
        healthy=lineup.healthy(),
        retry_after_s=lineup.retry_after_s(),
    )


def _line_up(target: Target | None, mode: str, lineup: Lineup, sieve: Sieve) -> Target | None:
    """The hint, if any of it is eligible. A ladder is never left; all else is followed by the scored order."""
    if target is not None and target.kind == "wildcard":
        lineup.enlist(target, sieve)
        return target
    meant: Iterable[Group] = () if target is None or target.kind == "auto" else target.groups
    hinted = _hinted(meant, target, sieve)
    if sieve.notes.wanted:
        sift(_others(meant, sieve.scene), sieve)
    field = runners(sieve.scene)
    ranking = _ranking(field, mode, sieve.scene)
    for offer in hinted:
        lineup.add(offer, HINTED, judged=ranking.judge(field.field.place_of[offer.name]))
    for ranked in ranking:
        if lineup.full:
            lineup.keep(chain(hinted, field.fit_offers()))
            break
        lineup.add(ranked.offer, f"routed-weight-{ranked.offer.weight:g}", judged=ranked)
    return target if hinted else None


def _hinted(meant: Iterable[Group], target: Target | None, sieve: Sieve) -> list[Offer]:
    """What a hint means and no limit forbids, in the order in which it is tried."""
    if target is None:
        return []
    fit = (in_turn(sift(group.offers, sieve), target, sieve.scene) for group in meant)
    return list({offer.name: offer for offers in fit for offer in offers}.values())


def _others(meant: Iterable[Group], scene: Scene) -> Sequence[Offer]:
    offers = permitted(scene.table.cheapest_first, scene)
    names = {offer.name for group in meant for offer in group.offers}
    return [offer for offer in offers if offer.name not in names] if names else offers


def _ranking(field: Runners, mode: str, scene: Scene) -> ByScore | ByDraw:
    if mode == THOMPSON:
        return ByDraw(field, scene)
    return ByScore(field, scene.snapshot.routing.modes[mode])


def _kind(followed: Target | None) -> NameKind:
    if followed is None:
        return "policy"
    return "wildcard" if followed.kind == "wildcard" else "hint"
