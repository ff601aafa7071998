"""An open stream: chunks as they come, closed exactly once, whoever leaves first."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from gateway.dialects.base import Seal, StreamReader
from gateway.domain.answer import Chunk, Usage
from gateway.domain.trail import Failure


class Source(Protocol):
    """Where the bytes come from; `close` is synchronous and may be called twice."""

    async def read(self) -> bytes | Failure: ...

    def close(self) -> None: ...


class LiveStream:
    """Reads ahead to the first content, so that a provider's early failure is still no answer of ours."""

    __slots__ = ("_early", "_over", "_reader", "_source", "chars", "failure", "seal")

    def __init__(self, source: Source, reader: StreamReader, seal: Seal) -> None:
        self._source = source
        self._reader = reader
        self._early: list[Chunk] = []
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
            batch = await self._read()
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
            batch = await self._read()
            if batch:
                return batch
        return []

    def close(self) -> None:
        self._over = True
        self._source.close()

    async def _read(self) -> list[Chunk]:
        data = await self._source.read()
        if isinstance(data, Failure):
            self._end(data if not self._reader.finished else None)
            return []
        events = self._reader.feed(data) if data else self._reader.end()
        chunks: list[Chunk] = []
        for event in events:
            if isinstance(event, Failure):
                self._end(event)
                return chunks
            self.chars += event.chars
            chunks.append(event)
        if not data:
            self._end(None)
        return chunks

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


class Silence:
    """A source without bytes."""

    async def read(self) -> bytes | Failure:
        return b""

    def close(self) -> None:
        return None


class Recital:
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
