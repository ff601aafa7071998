"""A change of the files that took effect, or was refused, leaves a row like every other change."""

from gateway.flow.gateway import Gateway
from gateway.flow.history import ReloadOutcome
from gateway.state.audit import audited

TOLD_ELSEWHERE = frozenset({"admin", "another worker"})
"""Whoever came by the admin API is named in the row that it writes."""


def audit_reload(gateway: Gateway, outcome: ReloadOutcome) -> None:
    if outcome.outcome not in ("loaded", "refused") or TOLD_ELSEWHERE & set(outcome.trigger.split(" + ")):
        return
    row = audited(
        f"config.{outcome.outcome}",
        "configuration",
        who=f"files ({outcome.trigger})",
        where="",
        unix=outcome.unix,
        before=outcome.digest_before,
        after={"digest": outcome.digest, "changes": outcome.changes[:50], "problems": len(outcome.problems)},
    )
    gateway.ledger.note(row)
