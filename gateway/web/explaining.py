"""Which call a body would be, and what would be decided about it: the same for HTTP and for the command line."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from gateway.domain.ask import Ask
from gateway.domain.moment import Moment
from gateway.domain.snapshot import Snapshot
from gateway.errors import ErrorKind, RequestError
from gateway.flow.explanation import explained
from gateway.flow.left import Counters, left_of, looking_at
from gateway.flow.outlook import Outlook, outlook
from gateway.web.errors import openai_status, policy_status

SHAPES: Mapping[str, str] = MappingProxyType(
    {"request": "chat", "input": "embeddings", "prompt": "completions", "messages": "chat.completions"}
)
"""A field that tells the endpoint, first match; other endpoints are named by `?endpoint=`."""


class Decision(Struct, frozen=True):
    """What was decided, in which world."""

    moment: Moment
    counters: Counters
    found: Outlook


def decided(snapshot: Snapshot, ask: Ask, moment: Moment, counters: Counters) -> Decision:
    """As a request would be decided that passed the door."""
    look = looking_at(counters, moment.now, moment.unix)
    return Decision(moment, counters, outlook(snapshot, moment, ask, look))


def endpoint_of(fields: Mapping[str, Any], said: str | None, known: Mapping[str, str]) -> str:
    """The name of the endpoint whose body this is; `known` is names by path."""
    if said is not None:
        name = known.get(said) or (said if said in known.values() else None)
        if name is None:
            choices = ", ".join(sorted(known.values()))
            raise RequestError(
                "invalid_value", "invalid_value", f"`endpoint` must be one of {choices}", param="endpoint"
            )
        return name
    for field, name in SHAPES.items():
        if field in fields:
            return name
    raise RequestError(
        "bad_request",
        "missing_field",
        "Send the body of a request: one with `messages`, `prompt`, `input` or `request`; or say `?endpoint=`.",
        param="messages",
    )


def told(snapshot: Snapshot, ask: Ask, decision: Decision) -> dict[str, Any]:
    """The answer of `POST /v1/explain`."""
    moment, counters = decision.moment, decision.counters
    answer = asdict(explained(snapshot, moment, ask, decision.found))
    answer["verdict"] = verdict = asdict(answer["verdict"])
    kind: ErrorKind | None = verdict.pop("kind")
    verdict["status"] = 200 if kind is None else status_of(kind, snapshot, ask)
    answer["demand"] = None if answer["demand"] is None else asdict(answer["demand"])
    answer["limits"] = {} if ask.key is None else left_of(counters, ask.key, moment.now, moment.unix)
    return answer


def status_of(kind: ErrorKind, snapshot: Snapshot, ask: Ask) -> int:
    """What a caller would see."""
    error, over_limit = RequestError(kind, "", ""), snapshot.defaults.over_limit_status
    return policy_status(error, over_limit) if ask.surface == "policy" else openai_status(error, over_limit)
