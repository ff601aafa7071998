"""Changes are noticed by events, by looking, or both; whatever else happens in the same folders is not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.flow import watch as watch_module
from gateway.flow.footprint import Footprint
from gateway.flow.watch import Watch
from tests.flow.changing import ConfigMap, played

NEVER = 3600.0


class Ears:
    """A watch, and what it said."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.watch = Watch(self.heard.append)

    async def hear(self, change: Callable[[], object]) -> list[str]:
        """What is said of one change; afterwards it counts as read."""
        self.heard.clear()
        change()
        async with asyncio.timeout(20):
            while not self.heard or not self.watch.is_news(await self.watch.settled()):
                await asyncio.sleep(0.01)
        heard = list(self.heard)
        await self.read()
        return heard

    async def read(self) -> None:
        seen = await self.watch.settled()
        await self.watch.follow(self.watch.footprint, seen)


@contextlib.asynccontextmanager
async def ears(footprint: Footprint, poll_s: float = NEVER) -> AsyncIterator[Ears]:
    some = Ears()
    await some.watch.follow(footprint, "")
    some.watch.start(lambda: poll_s)
    await asyncio.sleep(0.7)  # the one look that follows the beginning of watching
    await some.read()
    try:
        yield some
    finally:
        await some.watch.aclose()


def test_an_edit_and_a_replacement_are_heard(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")

    def replaced() -> None:
        (tmp_path / "a.tmp").write_text("3")
        (tmp_path / "a.tmp").rename(file)

    async def story() -> None:
        async with ears(Footprint((file,))) as some:
            assert some.watch.mode == "events"
            assert set(await some.hear(lambda: file.write_text("2"))) == {"file event"}
            assert set(await some.hear(replaced)) == {"file event"}
            assert set(await some.hear(file.unlink)) == {"file event"}
            assert set(await some.hear(lambda: file.write_text("4"))) == {"file event"}

    played(story)


def test_k29_every_swap_of_a_configmap_is_heard(tmp_path: Path) -> None:
    mount = ConfigMap(tmp_path / "mount", {"a.yaml": "0"})

    async def story() -> None:
        async with ears(Footprint((mount.folder / "a.yaml",))) as some:
            for number in range(1, 9):
                swapped = await some.hear(lambda number=number: mount.swap({"a.yaml": str(number)}))  # type: ignore[misc]
                assert set(swapped) == {"file event"}

    played(story)


def test_a_folder_swapped_by_its_link_is_heard(tmp_path: Path) -> None:
    for number in ("1", "2"):
        (tmp_path / "releases" / number).mkdir(parents=True)
        (tmp_path / "releases" / number / "a.yaml").write_text(number)
    (tmp_path / "current").symlink_to("releases/1")

    def swap() -> None:
        (tmp_path / "next").symlink_to("releases/2")
        (tmp_path / "next").rename(tmp_path / "current")

    async def story() -> None:
        async with ears(Footprint((tmp_path / "current" / "a.yaml",))) as some:
            assert "file event" in await some.hear(swap)
            file = tmp_path / "releases" / "2" / "a.yaml"
            assert await some.hear(lambda: file.write_text("3")), "by an event, or by the look after watching anew"

    played(story)


def test_a_new_file_in_a_folder_of_patterns_is_heard(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()

    async def story() -> None:
        async with ears(Footprint((), (tmp_path / "catalog",))) as some:
            assert "file event" in await some.hear((tmp_path / "catalog" / "new.yaml").touch)

    played(story)


def test_neighbours_are_not_heard(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")

    async def story() -> None:
        async with ears(Footprint((file,))) as some:
            some.heard.clear()
            for number in range(20):
                (tmp_path / f"ledger-{number}.db").write_text("x")
            assert set(await some.hear(lambda: file.write_text("2"))) == {"file event"}
            assert len(some.heard) <= 2

    played(story)


def test_k31_where_no_events_come_looking_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine whose inotify instances are used up."""
    file = tmp_path / "a.yaml"
    file.write_text("1")

    def no_more(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(watch_module, "awatch", no_more)

    async def story() -> None:
        async with ears(Footprint((file,)), poll_s=0.05) as some:
            assert some.watch.mode == "polling"
            assert set(await some.hear(lambda: file.write_text("2"))) == {"poll"}
            assert set(await some.hear(file.unlink)) == {"poll"}

    played(story)


def test_a_folder_that_was_replaced_is_heard_again(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    file = folder / "a.yaml"
    file.write_text("1")

    def replace() -> None:
        folder.rename(tmp_path / "old")
        folder.mkdir()
        file.write_text("2")

    async def story() -> None:
        async with ears(Footprint((file,)), poll_s=0.1) as some:
            await some.hear(replace)
            async with asyncio.timeout(20):
                while "file event" not in await some.hear(lambda: file.write_text(file.read_text() + "+")):
                    await asyncio.sleep(0.01)

    played(story)


def test_settled_means_two_equal_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("")

    async def story() -> None:
        watch = Watch(lambda _: None)
        await watch.follow(Footprint((file,)), "")
        look, looks = watch._look, 0

        async def write_behind_each_look() -> str:
            nonlocal looks
            seen, looks = await look(), looks + 1
            if looks < 5:
                file.write_text("x" * looks)
            return seen

        monkeypatch.setattr(watch, "_look", write_behind_each_look)
        assert await watch.settled() == watch.footprint.content()
        assert looks == 6

    played(story)


def test_following_tells_whether_what_was_read_is_still_there(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("1")

    async def story() -> None:
        watch = Watch(lambda _: None)
        footprint = Footprint((file,))
        assert not await watch.follow(footprint, await watch.settled()), "what is new must be read again"
        seen = await watch.settled()
        assert await watch.follow(footprint, seen)
        assert not watch.is_news(seen)
        file.write_text("2")
        assert not await watch.follow(footprint, seen), "it changed while it was read"
        assert watch.is_news(await watch.settled())

    played(story)


def test_it_stops_at_once_whatever_it_is_doing(tmp_path: Path) -> None:
    async def story() -> None:
        for footprint in (Footprint(), Footprint((tmp_path / "a.yaml",)), Footprint((tmp_path / "no" / "a.yaml",))):
            for pause in (0.0, 0.05):
                watch = Watch(lambda _: None)
                await watch.follow(footprint, "")
                watch.start(lambda: 0.01)
                await asyncio.sleep(pause)
                await watch.aclose()
                assert watch.mode == "off"

    played(story)
