"""Tell a decision so that a person can follow it: what the name means, who is tried in turn and why, who is not."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from gateway.config.permits import targets
from gateway.domain.ask import Ask
from gateway.domain.moment import Moment
from gateway.domain.plan import Plan, Step
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Model, Plain, Split, Table, Tier
from gateway.flow.outlook import Demand, Outlook, most_attempts, whole_plan
from gateway.flow.suppose import Names
from gateway.routing.refuse import shown


class Verdict(Struct, frozen=True, kw_only=True):
    """How the request would end."""

    ok: bool
    offer: str | None = None
    model: str | None = None
    provider: str | None = None
    reason: str | None = None
    estimated_cost_usd: float | None = None
    code: str | None = None
    """Of the refusal, as all that follow."""
    message: str | None = None
    kind: str | None = None
    param: str | None = None
    retry_after_s: float | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """One decision with all its reasons; documented in docs/command-line.md."""

    verdict: Verdict
    endpoint: str
    surface: str
    asked: str | None
    key: str | None
    input_tokens: int
    output_tokens: int | None
    features: tuple[str, ...]
    resolution: tuple[str, ...]
    """What the name means, one step a line."""
    kind: str | None
    alias_from: str | None
    mode: str | None
    strategy: str | None
    ordered: bool
    """Models are tried in an order that was declared; the strategy orders the offers of each of them only."""
    ladder: str | None
    """Where the rungs in force come from, for `*`."""
    candidates: int
    """Offers that were looked at."""
    attempts: int
    """How many steps are tried at most, one after the other."""
    steps: tuple[dict[str, Any], ...]
    wider: tuple[str, ...]
    """Tried only if the provider says that the input is too long."""
    refused: tuple[dict[str, str], ...]
    demand: Demand | None
    """What would be set aside of the key's limits."""
    config: str


def explained(snapshot: Snapshot, moment: Moment, ask: Ask, found: Outlook) -> Explanation:
    """The decision that was found, with all its reasons; nothing is sent, counted or taken."""
    whole = whole_plan(snapshot, moment, ask)
    plan = found.plan or whole
    steps = whole.steps if whole is not None else ()
    name = plan.asked if plan is not None else ask.name
    return Explanation(
        verdict=_verdict(found),
        endpoint=ask.endpoint,
        surface=ask.surface,
        asked=name,
        key=ask.key.name if ask.key is not None else None,
        input_tokens=ask.input_tokens,
        output_tokens=ask.output_tokens,
        features=tuple(sorted(ask.features)),
        resolution=tuple(meaning(snapshot, moment, ask, name)) if name is not None and plan is not None else (),
        kind=plan.kind if plan is not None else None,
        alias_from=plan.alias_from if plan is not None else None,
        mode=plan.mode if plan is not None else None,
        strategy=plan.strategy if plan is not None else None,
        ordered=name is not None and plan is not None and is_ordered(snapshot.table, name, plan.kind),
        ladder=_ladder(moment) if plan is not None and plan.kind == "wildcard" else None,
        candidates=len({step.offer.name for step in steps} | _refused_offers(whole, snapshot.table)),
        attempts=most_attempts(snapshot, ask, plan) if plan is not None else 0,
        steps=tuple(step_told(step) for step in steps),
        wider=tuple(step.offer.name for step in plan.wider) if plan is not None else (),
        refused=tuple(asdict(refusal) for refusal in whole.refused) if whole is not None else (),
        demand=found.demand,
        config=snapshot.short_digest,
    )


def is_ordered(table: Table, name: str, kind: str) -> bool:
    """Whether the name, or what it is an alias for, is a ladder or an ordered tier."""
    alias = table.aliases.get(name)
    while alias is not None and isinstance(alias.meaning, Plain):
        alias = table.aliases.get(alias.meaning.target)
    return kind == "wildcard" or (alias is not None and isinstance(alias.meaning, Tier) and alias.meaning.ordered)


def _verdict(found: Outlook) -> Verdict:
    error = found.error
    if error is not None:
        return Verdict(
            ok=False,
            code=error.code,
            message=error.message,
            kind=error.kind,
            param=error.param,
            retry_after_s=error.retry_after_s,
        )
    step = found.plan.steps[0] if found.plan is not None else None
    if step is None:
        return Verdict(ok=False)
    return Verdict(
        ok=True,
        offer=step.offer.name,
        model=step.offer.model,
        provider=step.offer.provider,
        reason=step.reason,
        estimated_cost_usd=step.cost_usd,
    )


def step_told(step: Step) -> dict[str, Any]:
    """One offer in turn."""
    return {
        "offer": step.offer.name,
        "model": step.offer.model,
        "provider": step.offer.provider,
        "id": step.offer.id,
        "reason": step.reason,
        "standing": step.standing,
        "estimated_cost_usd": step.cost_usd,
        "output_tokens": step.output_tokens,
        "score": None if step.score is None else asdict(step.score),
        "draw": step.draw,
    }


def _refused_offers(plan: Plan | None, table: Table) -> set[str]:
    return {refusal.name for refusal in plan.refused if refusal.name in table.offers} if plan is not None else set()


def _ladder(moment: Moment) -> str:
    return moment.ladder.source if moment.ladder is not None else "config"


MOST_LINES = 32


def meaning(snapshot: Snapshot, moment: Moment, ask: Ask, name: str) -> Iterator[str]:
    """From the name asked for down to offers, each name once; what the key may not use leaves no trace."""
    sight = Sight(snapshot.table, moment, ask.key.offers if ask.key is not None else None)
    waiting, seen = [name], {name}
    for _ in range(MOST_LINES):
        if not waiting:
            return
        sentence, further = sight.means(waiting.pop(0))
        yield sentence
        for target in further:
            if target not in seen:
                seen.add(target)
                waiting.append(target)


class Sight:
    """What names mean to a caller who may use these offers; None means all."""

    def __init__(self, table: Table, moment: Moment, allowed: frozenset[str] | None) -> None:
        self._table = table
        self._moment = moment
        self._allowed = allowed
        self._names = Names(table)

    def means(self, name: str) -> tuple[str, tuple[str, ...]]:
        """One sentence, and the names it leads on to."""
        table = self._table
        if name == "*" and "*" not in table.aliases:
            return self._of_ladder()
        if name == "auto":
            return "auto is every model, ordered by the strategy or the mode", ()
        model, alias, offer = table.models.get(name), table.aliases.get(name), table.offers.get(name)
        if not self._sees(name):
            return f"{shown(name)} is no name that this caller can use", ()
        if model is not None:
            return f"{name} is a model, offered by {self._offered(model)}", ()
        if alias is not None:
            return self._of_alias(alias)
        if offer is not None:
            known = f" ({offer.name})" if name != offer.name else ""
            return f"{name} pins {offer.model} at {offer.provider}{known}", ()
        return f"{shown(name)} is no name that this caller can use", ()

    def _offered(self, model: Model) -> str:
        offers = [offer for offer in model.offers if self._allowed is None or offer.name in self._allowed]
        return ", ".join(f"{offer.provider} (as {offer.id})" for offer in offers)

    def _of_ladder(self) -> tuple[str, tuple[str, ...]]:
        ladder = self._moment.ladder
        rungs = tuple(filter(self._sees, ladder.models if ladder is not None else self._table.wildcard_models))
        return f"* is the ladder {', '.join(rungs) or 'without rungs'} (from {_ladder(self._moment)})", rungs

    def _of_alias(self, alias: Alias) -> tuple[str, tuple[str, ...]]:
        meaning, further = alias.meaning, tuple(filter(self._sees, targets(alias)))
        off = "" if alias.enabled else " (disabled)"
        if isinstance(meaning, Plain):
            return f"{alias.name}{off} is an alias for {', '.join(further) or 'nothing'}", further
        if isinstance(meaning, Split):
            parts = ", ".join(f"{share.weight:g} {share.model}" for share in meaning.shares if share.model in further)
            return f"{alias.name}{off} is a split by {meaning.sticky_by}: {parts}", further
        order = "in this order" if meaning.ordered else f"ordered by {meaning.strategy or 'the strategy'}"
        return f"{alias.name}{off} is a tier, {order}: {', '.join(further)}", further

    def _sees(self, name: str) -> bool:
        if self._allowed is None:
            return True
        return not self._allowed.isdisjoint(self._names.offers_of(name))
