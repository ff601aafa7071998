"""Hold answers against schemas without holding up the event loop: cheap ones here, others in a worker with a deadline.

A schema without a reference to itself stands for `breadth` schemas when every reference is written out, and each of
them looks at each value inside the answer once at most. So `breadth` times the number of values bounds the work, at
one to five microseconds each; what is above the bound, or has no bound, goes to the worker, which is killed when its
time is over.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.domain.answer import Answer
from gateway.domain.ask import OutputContract
from gateway.output.format import Shaped, judged, reshape
from gateway.output.schema import Schema, compiled
from gateway.output.survey import count_values
from gateway.output.validator import Mismatch
from gateway.output.worker import Case, Ruling

MOST_LOOKS = 2000
"""At five microseconds each: 10 ms of the event loop."""
MOST_PATTERN_CHARS = 200_000
"""Characters that all regular expressions together may read here; RE2 reads more than 20 a microsecond."""
MOST_INLINE_CHARS = 200_000
DEADLINE_S = 2.0
LIMIT = 64 * 1024 * 1024
WORKER = (sys.executable, "-m", "gateway.output.worker")
ROOT = Path(__file__).parent.parent.parent
"""Where the package lies: the worker finds it there, wherever the gateway was started."""
RULING = msgspec.json.Decoder(Ruling)


class Judge:
    """Owns one worker process, started when the first costly case comes."""

    def __init__(self, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._worker: Process | None = None
        self._turn = asyncio.Lock()

    async def shape(self, answer: Answer, contract: OutputContract) -> Answer | Mismatch:
        """The answer as the contract wants it, or where it breaks it."""
        shaped = reshape(answer, contract)
        if isinstance(shaped, Mismatch):
            return shaped
        if contract.schema is None or is_cheap(shaped, contract.schema):
            return judged(shaped, contract)
        return await self._sent(contract.schema, shaped.values) or shaped.answer

    async def rule(self, schema: Schema, values: Sequence[Any], sizes: Sequence[int]) -> Mismatch | None:
        """The first value that does not fit; `sizes` are the lengths of the texts they were read from."""
        shaped = Shaped(NO_ANSWER, tuple(values), tuple(sizes))
        if not is_cheap(shaped, schema):
            return await self._sent(schema, values)
        outcome = judged(shaped, OutputContract(schema=schema))
        return outcome if isinstance(outcome, Mismatch) else None

    async def aclose(self) -> None:
        worker = self._worker
        self._kill()
        if worker is not None:
            await worker.wait()

    def _kill(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None and worker.returncode is None:
            worker.kill()

    async def _sent(self, schema: Schema, values: Sequence[Any]) -> Mismatch | None:
        try:
            raw = [msgspec.Raw(msgspec.json.encode(value)) for value in values]
            line = msgspec.json.encode(Case(msgspec.Raw(msgspec.json.encode(schema)), raw)) + b"\n"
        except RecursionError:
            return Mismatch("$", "nested too deeply to be checked")
        async with self._turn:
            done = False
            try:
                mismatch = await self._ruled(line)
                done = True
                return mismatch
            finally:
                if not done:  # whoever leaves in the middle leaves a ruling behind that nobody wants
                    self._kill()

    async def _ruled(self, line: bytes) -> Mismatch | None:
        worker = await self._ready()
        if worker.stdin is None or worker.stdout is None:
            return UNCHECKED
        try:
            async with asyncio.timeout(self._deadline_s):
                worker.stdin.write(line)
                await worker.stdin.drain()
                answer = await worker.stdout.readline()
        except (TimeoutError, ConnectionError):
            await self.aclose()
            return Mismatch("$", f"not checked within {self._deadline_s:g} s")
        if not answer:
            await self.aclose()
            return UNCHECKED
        return RULING.decode(answer).fault

    async def _ready(self) -> Process:
        if self._worker is None or self._worker.returncode is not None:
            self._worker = await asyncio.create_subprocess_exec(
                *WORKER, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=LIMIT
            )
        return self._worker


UNCHECKED = Mismatch("$", "too costly to be checked")
NO_ANSWER = Answer(whole={}, usage=None, model="")


def is_cheap(shaped: Shaped, schema: Schema) -> bool:
    """Whether judging it here cannot take long, whatever the values are."""
    known = compiled(schema)
    if known.breadth is None or sum(shaped.sizes) > MOST_INLINE_CHARS:
        return False
    looks = sum(count_values(value, MOST_LOOKS) for value in shaped.values) * known.breadth
    return looks <= MOST_LOOKS and sum(shaped.sizes) * known.patterns <= MOST_PATTERN_CHARS
