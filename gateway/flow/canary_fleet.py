"""Several workers, one candidate: what they have seen is added up, one of them judges, and all do as it says."""

from collections.abc import Mapping

import msgspec

from gateway.flow.canary import Decision
from gateway.flow.gateway import Gateway
from gateway.flow.siblings import Answer
from gateway.flow.trial import Scores

SCORES = "candidate-scores"
DECISION = "candidate-decision"

_SCORES = msgspec.json.Decoder(Scores)
_DECISION = msgspec.json.Decoder(Decision)


def answers_about_candidates(gateway: Gateway) -> Mapping[str, Answer]:
    """What the workers beside this one may ask and tell."""

    async def scores(body: bytes) -> bytes:
        trial = gateway.canary.trial
        same = trial is not None and trial.snapshot.digest == body.decode("ascii", "replace")
        return msgspec.json.encode(trial.scores) if trial is not None and same else b""

    async def decision(body: bytes) -> bytes:
        try:
            decided = await gateway.canary.carry_out(_DECISION.decode(body))
        except msgspec.DecodeError:
            return b"no"
        return b"ok" if decided else b"no"

    return {SCORES: scores, DECISION: decision}


async def scores_of_others(gateway: Gateway, digest: str) -> list[Scores]:
    said = await gateway.siblings.ask(SCORES, digest.encode())
    return [_SCORES.decode(answer) for _, answer in said if answer]


async def pass_on(gateway: Gateway, decision: Decision) -> None:
    await gateway.siblings.ask(DECISION, msgspec.json.encode(decision))
