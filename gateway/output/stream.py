"""Shape a stream as it passes: thoughts are taken out on the fly, and what was said is judged at its end."""

from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.domain.answer import Chunk
from gateway.domain.ask import OutputContract
from gateway.output.format import Text, reshape_text
from gateway.output.think import ThinkStripper
from gateway.output.validator import Mismatch

DECODE = msgspec.json.Decoder().decode
ENCODE = msgspec.json.Encoder().encode
MOST_CHARS = 8_000_000
JUDGED = ("json", "xml")


def needs_shaping(contract: OutputContract | None) -> bool:
    """Whether a stream must be looked into at all."""
    return contract is not None and (contract.strip_think or is_judged(contract))


def is_judged(contract: OutputContract) -> bool:
    """Whether what was said must be held against the contract at the end."""
    return contract.schema is not None or contract.type in JUDGED


class StreamShaper:
    """One stream: give it each chunk, send on what it returns, and judge what `said` holds once the stream is over."""

    __slots__ = ("_contract", "_judged", "_said", "_size", "_strippers")

    def __init__(self, contract: OutputContract) -> None:
        self._contract = contract
        self._judged = is_judged(contract)
        self._strippers: dict[int, ThinkStripper] = {}
        self._said: dict[int, list[str]] = {}
        self._size = 0

    def take(self, chunk: Chunk) -> list[Chunk]:
        """The chunks to send instead: none where it held thoughts only, two where a held-back rest comes first."""
        if not (chunk.content or chunk.finish):
            return [chunk]
        fields = DECODE(chunk.data)
        rests: list[Any] = []
        changed = False
        for choice in fields.get("choices", ()):
            index, delta = choice.get("index", 0), choice.get("delta") or {}
            text = delta.get("content")
            if isinstance(text, str) and text:
                delta["content"] = self._passed(index, text)
                changed = changed or delta["content"] != text
            if choice.get("finish_reason") is not None and (rest := self._rest(index)):
                rests.append({"index": index, "delta": {"content": rest}, "finish_reason": None})
        before = [self._chunk({**fields, "choices": rests}, chunk)] if rests else []
        if not changed:
            return [*before, chunk]
        return [*before, *self._without_silence(fields, chunk)]

    def end(self) -> Mismatch | list[Text]:
        """What was said, choice by choice, ready for the judge; a Mismatch where it is not even of the right kind."""
        if not self._judged:
            return []
        if self._size > MOST_CHARS:
            return Mismatch("$", f"longer than {MOST_CHARS} characters")
        texts: list[Text] = []
        for index in sorted(self._said):
            done = reshape_text("".join(self._said[index]), self._contract)
            if isinstance(done, Mismatch):
                return done
            texts.append(done)
        return texts

    def _passed(self, index: int, text: str) -> str:
        if self._contract.strip_think:
            stripper = self._strippers.get(index)
            if stripper is None:
                stripper = self._strippers[index] = ThinkStripper()
            text = stripper.feed(text)
        self._keep(index, text)
        return text

    def _rest(self, index: int) -> str:
        stripper = self._strippers.pop(index, None)
        rest = stripper.end() if stripper is not None else ""
        self._keep(index, rest)
        return rest

    def _keep(self, index: int, text: str) -> None:
        if self._judged:
            self._size += len(text)
            if self._size <= MOST_CHARS:
                self._said.setdefault(index, []).append(text)

    def _without_silence(self, fields: dict[str, Any], chunk: Chunk) -> Iterator[Chunk]:
        """A chunk whose text was all thought says nothing, unless it says something else as well."""
        choices = [choice for choice in fields["choices"] if _speaks(choice)]
        if choices or fields.get("usage"):
            yield self._chunk({**fields, "choices": choices}, chunk)

    def _chunk(self, fields: dict[str, Any], old: Chunk) -> Chunk:
        deltas = [choice.get("delta") or {} for choice in fields["choices"]]
        finish = any(choice.get("finish_reason") is not None for choice in fields["choices"])
        return Chunk(
            ENCODE(fields),
            content=any(value for delta in deltas for name, value in delta.items() if name != "role"),
            usage=old.usage if fields.get("usage") else None,
            usage_only=False,
            finish=finish,
            chars=sum(len(delta.get("content") or "") for delta in deltas) or old.chars,
        )


def _speaks(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta") or {}
    return choice.get("finish_reason") is not None or any(delta.values())
