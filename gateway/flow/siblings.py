"""How the workers of one gateway speak with each other: each answers short questions at a socket in their folder."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

from gateway.flow.seat import Seat
from gateway.state.store_error import StoreError

Answer = Callable[[bytes], Awaitable[bytes]]

PATIENCE_S = 1.0


class Siblings:
    """A question is a word, a newline, and a body; whoever does not answer in time is left out."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._answers: Mapping[str, Answer] = {}
        self._server: asyncio.Server | None = None

    async def begin(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        path = self._path(self._seat.number)
        if path is None:
            return
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        try:
            self._server = await asyncio.start_unix_server(self._answer, path)
        except OSError as error:
            raise StoreError(f"workers cannot meet in `{path.parent}`: {error.strerror or error}") from error

    async def ask(
        self, word: str, body: bytes = b"", patience_s: float = PATIENCE_S, whom: Collection[int] | None = None
    ) -> list[tuple[int, bytes]]:
        """Seat and answer of each of the others, or of some of them, as far as they answer."""
        others = [number for number in (range(self._seat.of) if whom is None else whom) if number != self._seat.number]
        if self._seat.folder is None or not others:
            return []
        said = await asyncio.gather(*(self._ask_one(number, word, body, patience_s) for number in others))
        return [(number, answer) for number, answer in zip(others, said, strict=True) if answer is not None]

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _ask_one(self, number: int, word: str, body: bytes, patience_s: float) -> bytes | None:
        try:
            async with asyncio.timeout(patience_s):
                reader, writer = await asyncio.open_unix_connection(self._path(number))
                try:
                    writer.write(word.encode() + b"\n" + body)
                    writer.write_eof()
                    answer = await reader.read(-1)
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None
        return answer or None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            word, _, body = (await reader.read(-1)).partition(b"\n")
            answer = self._answers.get(word.decode("ascii", "replace"))
            if answer is not None:
                writer.write(await answer(body))
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    def _path(self, number: int) -> Path | None:
        folder = self._seat.folder
        return None if folder is None else folder / f"{number}.sock"
