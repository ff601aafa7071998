"""Plan a request that brings a policy: hint first, then the scored order, and nothing past a hard limit.

| reason | the step was reached by |
| --- | --- |
| `model-hint` | the caller's hint, which is eligible |
| `routed-weight-N` | the mode's score, or Thompson sampling; N is the model's weight |
| `wildcard-rank-N` | rung N of the ladder, counted from 0 |
"""

from collections.abc import Sequence

from gateway.domain.ask import Policy
from gateway.domain.plan import NameKind, Plan
from gateway.domain.table import Offer
from gateway.routing.eligible import POLICY, Notes, sift
from gateway.routing.lineup import Depth, Lineup, in_turn
from gateway.routing.refuse import shown, unknown_mode
from gateway.routing.resolve import AUTO, Target, resolve
from gateway.routing.scene import Scene, permitted
from gateway.routing.score import Ranked, by_score
from gateway.routing.thompson import MODE as THOMPSON
from gateway.routing.thompson import by_draw

HINTED = "model-hint"


def plan_policy(scene: Scene, policy: Policy, depth: Depth) -> Plan:
    modes = scene.snapshot.routing.modes
    if policy.mode != THOMPSON and policy.mode not in modes:
        raise unknown_mode(policy.mode, (*modes, THOMPSON))
    hint = (policy.hint or "").strip() or AUTO
    target = resolve(hint, scene)
    notes = Notes(depth.refusals)
    lineup = Lineup(scene, depth.steps)
    kind = _fill(lineup, hint, target, scene, notes)
    turned = target is not None and kind != "policy" and (target.rotates or target.strategy == "round-robin")
    return Plan(
        asked=hint,
        kind=kind,
        alias_from=target.alias_from if target is not None and kind != "policy" else None,
        mode=policy.mode,
        strategy=target.strategy if target is not None and kind != "policy" else None,
        steps=lineup.steps(),
        refused=tuple(notes.refused),
        turn=target.turn.rotation if target is not None and turned else None,
        wider=lineup.wider((), POLICY),
        healthy=lineup.healthy(),
        retry_after_s=lineup.retry_after_s(),
    )


def _fill(lineup: Lineup, hint: str, target: Target | None, scene: Scene, notes: Notes) -> NameKind:
    """What became of the hint: followed, passed over, or a ladder that is never left."""
    if target is None:
        notes.note(shown(hint), "unknown", "the hint does not exist or may not be used")
    elif target.kind == "wildcard":
        notes.refused.extend(target.skipped)
        lineup.enlist(target, POLICY, notes, "")
        return "wildcard"
    hinted = _hinted(target, scene, notes) if target is not None and target.kind != "auto" else []
    _add_scored(lineup, hinted, target, scene, notes)
    return "hint" if hinted else "policy"


def _hinted(target: Target, scene: Scene, notes: Notes) -> list[Offer]:
    """What the hint means and no limit forbids, in the order in which it would be tried."""
    return [
        offer for group in target.groups for offer in in_turn(sift(group.offers, POLICY, scene, notes), target, scene)
    ]


def _add_scored(lineup: Lineup, hinted: list[Offer], target: Target | None, scene: Scene, notes: Notes) -> None:
    """The hint first, then every other eligible offer; all of them are judged against each other."""
    others: Sequence[Offer] = permitted(scene.table.cheapest_first, scene)
    if target is not None and target.kind != "auto":
        named = {offer.name for group in target.groups for offer in group.offers}
        others = [offer for offer in others if offer.name not in named]
    ranking = _ranking([*hinted, *sift(others, POLICY, scene, notes)], scene)
    if hinted:
        judged = {ranked.offer.name: ranked for ranked in ranking}
        for offer in hinted:
            lineup.add(offer, HINTED, judged=judged[offer.name])
    for place, ranked in enumerate(ranking):
        if lineup.full:
            lineup.keep(later.offer for later in ranking[place:])
            break
        lineup.add(ranked.offer, f"routed-weight-{ranked.offer.weight:g}", judged=ranked)


def _ranking(fit: Sequence[Offer], scene: Scene) -> list[Ranked]:
    mode = scene.policy.mode if scene.policy is not None else THOMPSON
    if mode == THOMPSON:
        return by_draw(fit, scene)
    return by_score(fit, scene, scene.snapshot.routing.modes[mode])
