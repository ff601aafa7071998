"""Read a whole generateContent answer into OpenAI's words."""

from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.chunks import chat_answer, model_name
from gateway.dialects.failures import garbled, read_json
from gateway.dialects.gemini.candidate import blocked, finish_reason, logprobs, read_parts
from gateway.dialects.gemini.errors import inside, refusal
from gateway.dialects.gemini.usage import read_usage
from gateway.domain.answer import Answer
from gateway.domain.call import Reply
from gateway.domain.trail import Failure


def read_answer(reply: Reply, seal: Seal) -> Answer | Failure:
    """A whole reply of any status."""
    if reply.status != 200:
        return refusal(reply.status, reply.headers, reply.body)
    fields = read_json(reply.body)
    if not isinstance(fields, dict):
        return garbled("The provider's answer is not a JSON object.")
    if "error" in fields:
        return inside(fields)
    choices = _choices(fields, seal)
    if isinstance(choices, Failure):
        return choices
    usage = read_usage(fields.get("usageMetadata"))
    return chat_answer(seal, model_name(seal, fields.get("modelVersion")), choices, usage)


def _choices(fields: dict[str, Any], seal: Seal) -> list[dict[str, Any]] | Failure:
    candidates = fields.get("candidates")
    rows = [row for row in candidates if isinstance(row, dict)] if isinstance(candidates, list) else []
    if not rows:
        why = blocked(fields)
        return [_blocked_choice(why)] if why is not None else garbled("The provider's answer has no candidates.")
    choices = []
    for place, row in enumerate(rows):
        index = row.get("index") if isinstance(row.get("index"), int) else place
        choice = _choice(row, f"{call_prefix(seal)}{index}")
        if isinstance(choice, Failure):
            return choice
        choices.append({"index": index} | choice)
    return choices


def call_prefix(seal: Seal) -> str:
    """The beginning of ids for calls that Google gave none."""
    return f"call_{seal.id.rpartition('-')[2]}_"


def _blocked_choice(why: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": "", "refusal": why}
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": "content_filter"}


def _choice(candidate: dict[str, Any], call_id: str) -> dict[str, Any] | Failure:
    said = read_parts(candidate, call_id)
    finish = finish_reason(candidate.get("finishReason"), called=bool(said.calls))
    if isinstance(finish, Failure):
        return finish
    message = {"role": "assistant", "content": None if said.calls else ""} | said.message()
    return {"message": message, "logprobs": logprobs(candidate), "finish_reason": finish}
