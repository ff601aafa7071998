"""An open stream: chunks as they come, closed exactly once, whoever leaves first."""

import time
from collections.abc import Awaitable, Callable, Iterator
from math import inf
from typing import Any, Protocol

from msgspec import Struct

from gateway.dialects.base import Seal, StreamReader
from gateway.dialects.chunks import cut_chunk
from gateway.domain.answer import Chunk, Usage
from gateway.domain.ask import Ask
from gateway.domain.trail import Failure

PROGRESS_S = 120.0
"""How long a provider may send nothing but comments and pings. Silence is measured by the connection itself."""
OVERRUN = 1.1
SLACK_TOKENS = 8
CHARS_A_TOKEN = 4
MOST_CHARS_A_TOKEN = 64

STALLED = Failure(
    kind="transient",
    code="upstream_stalled",
    message="The provider sent signs of life, and nothing else for too long.",
    status=200,
    same_offer=False,
    possibly_billed=True,
)


class Measure(Struct, frozen=True):
    """How much one stream may come to, and how long it may say nothing."""

    endpoint: str = "chat"
    choices: int = 1
    most_tokens: int | None = None
    progress_s: float = PROGRESS_S

    def passed(self, pieces: int, chars: int) -> bool:
        """Certainly more than was allowed: no token is that long, and none comes in that many pieces."""
        most = self.most_tokens
        return most is not None and (
            chars > most * MOST_CHARS_A_TOKEN or (pieces > most and chars > most * CHARS_A_TOKEN)
        )


def measure_of(ask: Ask) -> Measure:
    """A provider that ignores `max_tokens` is cut off a tenth beyond it; an echoed prompt has no such end."""
    tokens = None if ask.payload.get("echo") else ask.output_tokens
    most = None if tokens is None else int(tokens * ask.choices * OVERRUN) + SLACK_TOKENS
    return Measure(ask.endpoint, ask.choices, most, PROGRESS_S)


UNMEASURED = Measure()


class Source(Protocol):
    """Where the bytes come from; `close` is synchronous and may be called twice."""

    async def read(self) -> bytes | Failure: ...

    async def pour(self, into: Callable[[bytes | Failure], bool]) -> None:
        """All that `read` would tell, until `into` has enough, as it has of an end and of a failure."""
        while into(await self.read()):
            pass

    def close(self) -> None: ...


class LiveStream:
    """Reads ahead to the first content, so that a provider's early failure is still no answer of ours."""

    __slots__ = (
        "_early",
        "_into",
        "_measure",
        "_now",
        "_over",
        "_pieces",
        "_reader",
        "_silent_since",
        "_source",
        "_suspect",
        "chars",
        "failure",
        "seal",
    )

    def __init__(
        self,
        source: Source,
        reader: StreamReader,
        seal: Seal,
        measure: Measure = UNMEASURED,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._measure = measure
        self._now = now
        self._silent_since: float | None = None
        self._pieces = 0
        self._suspect: float = inf if measure.most_tokens is None else measure.most_tokens * CHARS_A_TOKEN
        """More characters than this may be too many."""
        self._reader = reader
        self._early: list[Chunk] = []
        self._into: Callable[[list[Chunk]], bool] = bool
        self._over = False
        self.seal = seal
        self.failure: Failure | None = None
        self.chars = 0

    @property
    def usage(self) -> Usage | None:
        return self._reader.usage

    @property
    def model(self) -> str:
        return self._reader.model

    @property
    def finished(self) -> bool:
        return self._reader.finished

    async def await_content(self) -> Failure | None:
        """Reads until there is something to show or the stream is over."""
        while not self._over:
            batch = self._heard(await self._source.read())
            self._early += batch
            if self.failure is not None:
                return self.failure
            if any(chunk.content or chunk.finish for chunk in batch):
                return None
        return None

    async def next(self) -> list[Chunk]:
        """The next chunks; empty when the stream is over, for whatever reason: see `failure`."""
        if self._early:
            early, self._early = self._early, []
            return early
        while not self._over:
            batch = self._heard(await self._source.read())
            if batch:
                return batch
        return []

    async def pour(self, into: Callable[[list[Chunk]], bool]) -> bool:
        """What `next` would tell, told to `into` the moment it is heard; False where that has enough before the end."""
        self._into = into
        early, self._early = self._early, []
        if (not early or into(early)) and not self._over:
            await self._source.pour(self._hear)
        return self._over

    def close(self) -> None:
        self._over = True
        self._into = bool  # whoever is told knows of us, and would stay with all that was asked
        self._source.close()

    def _hear(self, data: bytes | Failure) -> bool:
        chunks = self._heard(data)
        return (not chunks or self._into(chunks)) and not self._over

    def _heard(self, data: bytes | Failure) -> list[Chunk]:
        if self._over:
            return []
        if isinstance(data, Failure):
            self._end(data if not self._reader.finished else None)
            return []
        told: list[Any] = self._reader.feed(data) if data else self._reader.end()
        failure: Failure | None = told.pop() if told and isinstance(told[-1], Failure) else None
        for chunk in told:
            self.chars += chunk.chars
            self._pieces += chunk.content
        if failure is not None or not data:
            self._end(failure)
        elif not told:
            self._wait()
        else:
            self._silent_since = None
            if self.chars > self._suspect:
                self._weigh(told)
        return told

    def _wait(self) -> None:
        """Ends a stream that goes nowhere."""
        now = self._now()
        if self._silent_since is None:
            self._silent_since = now
        elif now - self._silent_since >= self._measure.progress_s:
            self._end(STALLED)

    def _weigh(self, chunks: list[Chunk]) -> None:
        """Ends a stream that knows no end."""
        measure = self._measure
        if measure.passed(self._pieces, self.chars) and not self._reader.finished:
            model = self._reader.model
            chunks += [cut_chunk(self.seal, model, measure.endpoint, index) for index in range(measure.choices)]
            self._end(None)

    def _end(self, failure: Failure | None) -> None:
        self.failure = failure
        self._over = True
        self._source.close()


class Spoken:
    """A whole answer dressed as a stream, for providers that did not stream."""

    __slots__ = ("_chunks", "finished", "model", "usage")

    def __init__(self, chunks: tuple[Chunk, ...], usage: Usage | None, model: str) -> None:
        self._chunks = chunks
        self.finished = True
        self.usage = usage
        self.model = model

    def feed(self, data: bytes) -> list[Chunk | Failure]:  # noqa: ARG002 there are no bytes
        return []

    def end(self) -> list[Chunk | Failure]:
        said, self._chunks = self._chunks, ()
        return list(said)


class Silence(Source):
    """A source without bytes."""

    async def read(self) -> bytes | Failure:
        return b""

    def close(self) -> None:
        return None


class Recital(Source):
    """A source that was known beforehand: what an offline dialect says, piece by piece."""

    __slots__ = ("_pause", "_pause_s", "_pieces")

    def __init__(self, pieces: Iterator[bytes], pause: Callable[[float], Awaitable[None]], pause_s: float) -> None:
        self._pieces = pieces
        self._pause = pause
        self._pause_s = pause_s

    async def read(self) -> bytes | Failure:
        await self._pause(self._pause_s)
        return next(self._pieces, b"")

    def close(self) -> None:
        self._pieces = iter(())
