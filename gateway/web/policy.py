"""The policy surface: an envelope that says what was chosen, why, and what it cost."""

from typing import Any

from msgspec import structs

from gateway.domain.answer import Answer
from gateway.domain.plan import Plan
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.receipt import Receipt
from gateway.web.answer import encode, header_safe
from gateway.web.errors import policy_body, policy_status
from gateway.web.head import Lines, joined, lines_of
from gateway.web.openai import ChunkWriter, with_usage
from gateway.web.openai import lines as openai_lines
from gateway.web.surface import Surface


def status(error: RequestError, visit: Visit) -> int:
    return policy_status(error, visit.snapshot.defaults.over_limit_status)


def refusal(error: RequestError, visit: Visit) -> bytes:
    return encode(policy_body(error, f"req-{visit.ulid}"))


def whole(receipt: Receipt, answer: Answer) -> bytes:
    """The envelope around OpenAI's object."""
    step = receipt.step
    body: dict[str, Any] = {
        "negotiated_model": step.offer.model if step else None,
        "estimated_cost_usd": receipt.cost_usd,
        "routing_reason": step.reason if step else None,
        "response": with_usage(receipt, answer),
    }
    if receipt.wants_trace and receipt.plan is not None:
        body["trace"] = trace_of(receipt, receipt.plan)
    return encode(body)


def lines(receipt: Receipt, kind: Lines) -> Lines:
    """What the envelope says, for those who stream; and the alias that was resolved."""
    told = openai_lines(receipt, kind)
    step, plan = receipt.step, receipt.plan
    if step is not None:
        chosen = [
            (b"x-negotiated-model", header_safe(step.offer.model)),
            (b"x-tokenhub-cost-estimate-usd", b"%.9f" % step.cost_usd),
        ]
        told = joined(told, lines_of(chosen))
    if plan is not None and plan.alias_from is not None:
        told = joined(told, lines_of([(b"x-alias-from", header_safe(plan.alias_from))]))
    return told


def trace_of(receipt: Receipt, plan: Plan) -> dict[str, Any]:
    """How the decision was made, and what became of it."""
    return plan_told(plan) | {
        "attempts": [
            {
                "offer": attempt.offer,
                "ms": round(attempt.ms, 3),
                "class": attempt.failure.kind if attempt.failure else None,
                "code": attempt.failure.code if attempt.failure else None,
            }
            for attempt in receipt.trail.attempts
        ],
        "config": receipt.visit.snapshot.digest,
    }


def plan_told(plan: Plan) -> dict[str, Any]:
    """A plan in JSON: the name, the steps with their terms, and everyone who was passed over."""
    return {
        "asked": plan.asked,
        "kind": plan.kind,
        "alias_from": plan.alias_from,
        "mode": plan.mode,
        "strategy": plan.strategy,
        "steps": [
            {
                "offer": step.offer.name,
                "model": step.offer.model,
                "provider": step.offer.provider,
                "reason": step.reason,
                "estimated_cost_usd": step.cost_usd,
                "score": None if step.score is None else structs.asdict(step.score),
            }
            for step in plan.steps
        ],
        "refused": [structs.asdict(refusal) for refusal in plan.refused],
    }


POLICY = Surface(status=status, refusal=refusal, whole=whole, lines=lines, writer=ChunkWriter, json_first=True)
