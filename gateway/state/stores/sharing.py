"""What several processes tell each other beside limits: overrides, and what their arms have learnt; within seconds."""

import msgspec

from gateway.state.arms import Arms
from gateway.state.overrides import OverrideBook, Overrides, read_overrides
from gateway.state.store_error import StoreError
from gateway.state.stores.link import Link
from gateway.state.stores.script import NEWER

EVERY_S = 2.0
BOOK = "th1:overrides"
LESSONS = "th1:arms"
LESSONS_KEPT = "10000"

Lesson = tuple[str, str, float, int]


class Sharing:
    """One per process; `round` is made every EVERY_S and costs two or three short calls."""

    def __init__(self, link: Link, overrides: Overrides, arms: Arms, process: str) -> None:
        self._link = link
        self._overrides = overrides
        self._arms = arms
        self._process = process
        self._heard = ""

    async def round(self, now: float) -> None:
        """What cannot be told now is told in the next round."""
        if not self._link.may_try():
            return
        try:
            await self._share_overrides()
            await self._hear_lessons(now)
            await self._tell_lessons()
        except StoreError:
            return

    async def _share_overrides(self) -> None:
        serial, text = await self._link.call("HMGET", BOOK, "serial", "book")
        mine = self._overrides.book
        if serial is not None and int(serial) > mine.serial:
            self._adopt(text)
        elif mine.serial > int(serial or 0):
            await self._link.run(NEWER, BOOK, str(mine.serial), msgspec.json.encode(mine).decode())

    def _adopt(self, text: str) -> None:
        try:
            book: OverrideBook = read_overrides(text.encode())
        except ValueError as error:
            raise StoreError("the shared overrides are not readable; they are left alone") from error
        self._overrides.adopt(book)

    async def _hear_lessons(self, now: float) -> None:
        """The past is not heard: it is in the arms that were saved."""
        if not self._heard:
            last = await self._link.call("XREVRANGE", LESSONS, "+", "-", "COUNT", "1")
            self._heard = last[0][0] if last else "0"
            return
        answer = await self._link.call("XRANGE", LESSONS, f"({self._heard}", "+", "COUNT", "500")
        for name, fields in answer:
            self._heard = name
            if fields.get("by") != self._process:
                self._arms.learn_from_others(_lessons(fields.get("what", "")), now)

    async def _tell_lessons(self) -> None:
        lessons = self._arms.take_lessons()
        if lessons:
            what = msgspec.json.encode(lessons).decode()
            await self._link.call("XADD", LESSONS, "MAXLEN", "~", LESSONS_KEPT, "*", "by", self._process, "what", what)


def _lessons(text: str) -> list[Lesson]:
    try:
        return msgspec.json.decode(text, type=list[Lesson])
    except ValueError:
        return []
