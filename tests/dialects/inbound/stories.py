"""Chat completions, whole and in chunks, as every dialect would tell them."""

from typing import Any

from gateway.dialects.base import Seal
from gateway.dialects.chunks import chat_answer, chunk_head, delta_chunk, role_chunk, usage_chunk
from gateway.domain.answer import Answer, Chunk, Usage

SEAL = Seal(id="chatcmpl-th-01ulid", created=1_700_000_000, provider="openai", model="gpt-5")
HEAD = chunk_head(SEAL, "gpt-5")
USAGE = Usage(input_tokens=7, cache_read_tokens=3, output_tokens=5, reasoning_tokens=2)
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def call(index: int | None, identity: str, name: str, arguments: str) -> dict[str, Any]:
    fields = {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
    return fields if index is None else {"index": index, **fields}


def more(index: int, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


def answered(finish: str = "stop", **message: Any) -> Answer:
    said = {"role": "assistant", "content": None} | message
    return chat_answer(SEAL, "gpt-5", [{"index": 0, "message": said, "finish_reason": finish}], USAGE)


WHOLE = answered(
    "tool_calls",
    content="Let me see.",
    reasoning_content="Hm.",
    thinking_blocks=[THOUGHT],
    tool_calls=[call(None, "a", "weather", '{"city":"Rome"}'), call(None, "b", "clock", "")],
)

CHUNKS: list[Chunk] = [
    role_chunk(HEAD),
    delta_chunk(HEAD, {"reasoning_content": "Hm"}),
    delta_chunk(HEAD, {"reasoning_content": "."}),
    delta_chunk(HEAD, {"thinking_blocks": [THOUGHT]}),
    delta_chunk(HEAD, {"content": "Let me"}),
    delta_chunk(HEAD, {"content": " see."}),
    delta_chunk(HEAD, {"tool_calls": [call(0, "a", "weather", "")]}),
    delta_chunk(HEAD, more(0, '{"city":')),
    delta_chunk(HEAD, more(0, '"Rome"}')),
    delta_chunk(HEAD, {"tool_calls": [call(1, "b", "clock", "")]}),
    delta_chunk(HEAD, {}, finish="tool_calls"),
    usage_chunk(HEAD, USAGE),
]
