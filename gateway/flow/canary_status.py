"""How a candidate configuration stands: which, who gets it, how both sides do, and what the verdict waits for."""

from typing import Any

from msgspec import Struct

from gateway.config.problem import as_json
from gateway.flow.canary import State
from gateway.flow.canary_fleet import scores_of_others
from gateway.flow.gateway import Gateway
from gateway.flow.trial import Scores, Trial, added
from gateway.flow.verdict import Score


class SideStatus(Struct, frozen=True, kw_only=True):
    """One side of the comparison."""

    requests: int
    failed: int
    error_rate: float
    typical_seconds: float | None
    """The geometric mean, of what was served."""
    mean_usd: float | None


class CanaryStatus(Struct, frozen=True, kw_only=True):
    """For whoever operates the gateway."""

    state: State
    config: str | None
    """The candidate's file."""
    digest: str | None
    """What the candidate's file says."""
    since: float | None
    """When it came into this state, in Unix seconds."""
    why: str
    """What the verdict was, or what it waits for."""
    problems: tuple[dict[str, Any], ...]
    """Why it is not tried."""
    share: float | None = None
    sticky_by: str | None = None
    elapsed_s: float | None = None
    window_s: float | None = None
    current: SideStatus | None = None
    candidate: SideStatus | None = None


async def canary_status(gateway: Gateway) -> CanaryStatus:
    """Of all workers together."""
    canary = gateway.canary
    trial = canary.trial or canary.last
    others = [] if canary.trial is None else await scores_of_others(gateway)
    scores = {} if trial is None else added(trial.scores, others)
    return CanaryStatus(
        state=canary.state,
        config=None if canary.path is None else str(canary.path),
        digest=canary.digest,
        since=None if canary.state == "off" else canary.since,
        why=canary.why if canary.trial is None else canary.trial.judgement.why,
        problems=tuple(as_json(problem) for problem in canary.problems),
        **({} if trial is None else _of_trial(trial, scores, gateway)),
    )


def _of_trial(trial: Trial, scores: Scores, gateway: Gateway) -> dict[str, Any]:
    running = gateway.canary.trial is trial
    return {
        "share": trial.rules.share,
        "sticky_by": trial.rules.sticky_by,
        "elapsed_s": round(gateway.clock.monotonic() - trial.began, 3) if running else None,
        "window_s": trial.rules.window_s,
        "current": _of_side(scores["current"]),
        "candidate": _of_side(scores["candidate"]),
    }


def _of_side(score: Score) -> SideStatus:
    return SideStatus(
        requests=score.requests,
        failed=score.failed,
        error_rate=round(score.error_rate, 6),
        typical_seconds=score.typical_seconds,
        mean_usd=score.mean_usd,
    )
