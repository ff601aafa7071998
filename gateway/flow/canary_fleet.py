"""Several workers, one candidate: what they have seen is added up, one of them judges, and all do as it says.

A decision is passed on at once. Who did not hear it finds it out: every second whoever judges asks all others what they
have decided, and they ask the one who judges.
"""

import contextlib
from collections.abc import Collection, Mapping

import msgspec

from gateway.flow.canary import Decision, Seen
from gateway.flow.gateway import Gateway
from gateway.flow.siblings import Answer
from gateway.flow.trial import Scores

SEEN = "candidate-seen"
DECISION = "candidate-decision"
FIRST = (0,)
"""The seat that judges."""

_SEEN = msgspec.json.Decoder(Seen)
_DECISION = msgspec.json.Decoder(Decision)


def answers_about_candidates(gateway: Gateway) -> Mapping[str, Answer]:
    """What the workers beside this one may ask and tell."""

    async def seen(body: bytes) -> bytes:
        canary = gateway.canary
        if body != canary.versions.encode():
            return b""
        return msgspec.json.encode(Seen(None if canary.trial is None else canary.trial.scores, canary.decided))

    async def decision(body: bytes) -> bytes:
        try:
            decided = await gateway.canary.carry_out(_DECISION.decode(body))
        except msgspec.DecodeError:
            return b"no"
        return b"ok" if decided else b"no"

    return {SEEN: seen, DECISION: decision}


async def seen_by_others(gateway: Gateway, versions: str) -> list[Seen]:
    return await _seen(gateway, versions, None if gateway.seat.first else FIRST)


async def scores_of_others(gateway: Gateway) -> list[Scores]:
    seen = await _seen(gateway, gateway.canary.versions)
    return [one.scores for one in seen if one.scores is not None]


async def pass_on(gateway: Gateway, decision: Decision) -> None:
    await gateway.siblings.ask(DECISION, msgspec.json.encode(decision))


async def _seen(gateway: Gateway, versions: str, whom: Collection[int] | None = None) -> list[Seen]:
    """Who cannot be understood, as one of another version may be, is left out."""
    seen = []
    for _, answer in await gateway.siblings.ask(SEEN, versions.encode(), whom=whom):
        with contextlib.suppress(msgspec.DecodeError):
            seen.append(_SEEN.decode(answer))
    return seen
