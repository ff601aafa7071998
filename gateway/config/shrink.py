"""Stop a reload that loses most of what can be called: a blank file is valid, and almost never meant."""

from gateway.config.problem import Problem
from gateway.domain.snapshot import Snapshot


def shrinkage(old: Snapshot, new: Snapshot) -> Problem | None:
    """What is wrong with going from one to the other, or None. The new one may permit more: `reload.max_shrink`."""
    before, after = _open_offers(old), _open_offers(new)
    lost = len(before - after)
    if not before or lost / len(before) <= new.reload.max_shrink:
        return None
    share, most = f"{lost / len(before):.0%}", f"{new.reload.max_shrink:.0%}"
    return Problem(
        code="TH2601",
        severity="error",
        file=None,
        line=1,
        column=1,
        path="models",
        message=f"{lost} of {len(before)} offers ({share}) would be gone; at most {most} may go at once",
        hint="if this is meant, say `reload: {max_shrink: 1}` in the new configuration, for this once",
    )


def _open_offers(snapshot: Snapshot) -> frozenset[str]:
    """Names of the offers that could be called."""
    table = snapshot.table
    return frozenset(
        offer.name
        for model in table.models.values()
        if model.enabled
        for offer in model.offers
        if table.providers[offer.provider].enabled
    )
