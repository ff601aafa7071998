"""Translate the events of a streamGenerateContent, each a small answer of its own, into OpenAI's chunks."""

from typing import Any

import msgspec

from gateway.dialects.base import Seal
from gateway.dialects.chunks import delta_chunk, role_chunk
from gateway.dialects.gemini.answer import call_prefix
from gateway.dialects.gemini.candidate import blocked, finish_reason, logprobs, read_parts
from gateway.dialects.gemini.errors import inside
from gateway.dialects.gemini.usage import read_usage
from gateway.dialects.translating import TranslatingReader
from gateway.domain.answer import Chunk
from gateway.domain.trail import Failure

Out = list[Chunk | Failure]


class Reader(TranslatingReader):
    """Knows which candidates have begun, how many calls each made, and which have ended."""

    __slots__ = ("_calls", "_choices", "_ended")

    def __init__(self, seal: Seal, choices: int) -> None:
        super().__init__(seal)
        self._choices = choices
        self._calls: dict[int, int] = {}
        self._ended: set[int] = set()

    def on_event(self, event: dict[str, Any], out: Out) -> None:
        if "error" in event:
            out.append(inside(event))
            return
        if not self.model:
            self.name_model(event.get("modelVersion"))
        usage = event.get("usageMetadata")
        if usage is not None:
            self.usage = read_usage(usage)
        candidates = event.get("candidates")
        if isinstance(candidates, list) and candidates:
            self._on_candidates(candidates, out)
        elif (why := blocked(event)) is not None:
            self._on_block(why, out)

    def _on_block(self, why: str, out: Out) -> None:
        if not self.finished:
            self.finished = True
            out.append(role_chunk(self.head))
            out.append(delta_chunk(self.head, {"refusal": why}))
            out.append(delta_chunk(self.head, {}, finish="content_filter"))

    def _on_candidates(self, candidates: list[Any], out: Out) -> None:
        for place, candidate in enumerate(candidates):
            if not isinstance(candidate, dict):
                continue
            index = candidate.get("index")
            failure = self._on_candidate(index if isinstance(index, int) else place, candidate, out)
            if failure is not None:
                out.append(failure)
                return
        self.finished = len(self._ended) >= self._choices

    def _on_candidate(self, index: int, candidate: dict[str, Any], out: Out) -> Failure | None:
        if index not in self._calls:
            self._calls[index] = 0
            out.append(role_chunk(self.head, index))
        first = self._calls[index]
        said = read_parts(candidate, f"{call_prefix(self._seal)}{index}", first)
        self._calls[index] = first + len(said.calls)
        said.calls = [{"index": first + place} | call for place, call in enumerate(said.calls)]
        chances = logprobs(candidate)
        more = b"" if chances is None else b',"logprobs":' + msgspec.json.encode(chances)
        if delta := said.message():
            out.append(delta_chunk(self.head, delta, index=index, more=more))
        reason = candidate.get("finishReason")
        if reason is None or index in self._ended:
            return None
        finish = finish_reason(reason, called=self._calls[index] > 0)
        if isinstance(finish, Failure):
            return finish
        self._ended.add(index)
        out.append(delta_chunk(self.head, {}, index=index, finish=finish))
        return None
