"""The workers of one gateway try a candidate together: one verdict over what all have seen, carried out by all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from gateway.flow.canary import Decision
from gateway.flow.canary_fleet import SEEN, answers_about_candidates
from gateway.flow.gateway import Gateway
from gateway.flow.seat import Seat
from gateway.flow.start import close_gateway, open_gateway
from tests.flow.changing import config

CANARY = "canary: {config: candidate.yaml, share: 0.5, window: 1ms, min_requests: 40}\n"


@contextlib.asynccontextmanager
async def two_workers(folder: Path) -> AsyncIterator[tuple[Gateway, Gateway]]:
    (folder / "tokenhub.yaml").write_text(config("m", more=CANARY))
    (folder / "candidate.yaml").write_text(config("m", "n"))
    env = {"TOKENHUB_DATA_DIR": str(folder / "data")}
    meeting = folder / "meeting"
    meeting.mkdir()
    opened = [
        await open_gateway(folder / "tokenhub.yaml", env, watch=False, seat=Seat(number, 2, meeting))
        for number in (0, 1)
    ]
    try:
        async with asyncio.timeout(20):
            while not all(gateway.canary.trial for gateway in opened):
                await asyncio.sleep(0.01)
        yield opened[0], opened[1]
    finally:
        for gateway in opened:
            await close_gateway(gateway)


def played(folder: Path, story: Callable[[Gateway, Gateway, str], Awaitable[None]]) -> None:
    """Told to two workers and the digest of the candidate that both of them try."""

    async def whole() -> None:
        async with two_workers(folder) as (first, second):
            assert first.canary.trial is not None
            await story(first, second, first.canary.trial.snapshot.digest)

    asyncio.run(whole())


def note(gateway: Gateway, requests: int, *, failed: bool = False) -> None:
    assert gateway.canary.trial is not None
    for side, score in gateway.canary.trial.scores.items():
        for _ in range(requests):
            if failed and side == "candidate":
                score.failed_once()
            else:
                score.served(1.0, 0.01)


async def judged(first: Gateway, second: Gateway, state: str) -> bool:
    """Both tick as they do every second; a machine that is busy may make them deaf to each other for a while."""
    async with asyncio.timeout(20):
        while not first.canary.state == second.canary.state == state:
            await first.canary.tick()
            await second.canary.tick()
    return True


def test_one_judges_by_what_all_have_seen_and_all_do_as_it_says(tmp_path: Path) -> None:
    async def story(first: Gateway, second: Gateway, digest: str) -> None:
        note(first, 25)
        await second.canary.tick()
        assert first.canary.state == "trying", "only one of them judges"
        note(second, 25)
        assert await judged(first, second, "promoted")
        assert {worker.live.current.digest for worker in (first, second)} == {digest}

    played(tmp_path, story)


def test_what_only_one_of_them_suffers_counts_for_all(tmp_path: Path) -> None:
    async def story(first: Gateway, second: Gateway, _: str) -> None:
        note(first, 25)
        note(second, 25, failed=True)
        assert await judged(first, second, "rolled-back")
        assert second.canary.why.startswith("errors 50.0% of 50 requests against 0.0% of 50")
        stale = Decision("roll back", "0" * 64, "")
        assert not await first.canary.decide(stale), "a decision about another candidate changes nothing"

    played(tmp_path, story)


def test_who_did_not_hear_the_decision_asks_for_it(tmp_path: Path) -> None:
    async def story(first: Gateway, second: Gateway, digest: str) -> None:
        deaf(first)
        deaf(second)
        assert await first.canary.decide(Decision("promote", digest, "by hand"))
        assert second.canary.state == "trying"
        hears(first)
        await second.canary.tick()
        assert (second.canary.state, second.canary.why) == ("promoted", "by hand")

        deaf(first)
        assert await first.canary.decide(Decision("roll back", digest, "second thoughts"))
        assert second.canary.state == "promoted"
        hears(first)
        await second.canary.tick()
        assert (second.canary.state, second.canary.why) == ("rolled-back", "second thoughts")
        await second.canary.tick()
        assert second.canary.state == "rolled-back"

    played(tmp_path, story)


def test_who_comes_after_a_promotion_serves_what_was_promoted(tmp_path: Path) -> None:
    async def story(first: Gateway, second: Gateway, digest: str) -> None:
        assert await first.canary.decide(Decision("promote", digest, "by hand"))
        await becomes(second, "promoted")
        with (tmp_path / "candidate.yaml").open("a") as file:
            file.write("# a word\n")
        first.canary.look()
        await becomes(first, "same")
        late = await open_gateway(
            tmp_path / "tokenhub.yaml",
            {"TOKENHUB_DATA_DIR": str(tmp_path / "more")},
            watch=False,
            seat=Seat(2, 3, tmp_path / "meeting"),
        )
        try:
            await becomes(late, "promoted")
            assert late.live.current.digest == first.live.current.digest == digest
        finally:
            await close_gateway(late)

    played(tmp_path, story)


async def becomes(gateway: Gateway, state: str) -> None:
    async with asyncio.timeout(20):
        while gateway.canary.state != state:
            await gateway.canary.tick()
            await asyncio.sleep(0.01)


def test_of_two_decisions_at_once_the_careful_one_holds(tmp_path: Path) -> None:
    async def story(first: Gateway, second: Gateway, digest: str) -> None:
        deaf(first)
        deaf(second)
        assert await first.canary.decide(Decision("promote", digest, "one"))
        assert await second.canary.decide(Decision("roll back", digest, "the other"))
        hears(first)
        hears(second)
        assert await judged(first, second, "rolled-back")

    played(tmp_path, story)


def test_a_decision_about_the_files_as_they_were_is_not_taken_over(tmp_path: Path) -> None:
    async def story(first: Gateway, second: Gateway, digest: str) -> None:
        deaf(second)
        assert await first.canary.decide(Decision("roll back", digest, "by hand"))
        with (tmp_path / "candidate.yaml").open("a") as file:
            file.write("# again\n")
        before = second.canary.versions
        second.canary.look()
        async with asyncio.timeout(20):
            while second.canary.versions == before or second.canary.trial is None:
                await asyncio.sleep(0.01)
        await second.canary.tick()
        assert second.canary.state == "trying"

    played(tmp_path, story)


def deaf(gateway: Gateway) -> None:
    """As a worker is whose loop is busy for longer than the others wait."""
    gateway.siblings._answers = {}


def hears(gateway: Gateway) -> None:
    gateway.siblings._answers = answers_about_candidates(gateway)


def test_who_cannot_be_understood_is_left_out(tmp_path: Path) -> None:
    async def story(first: Gateway, second: Gateway, _: str) -> None:
        async def mumble(_: bytes) -> bytes:
            return b'{"scores": 7}'

        second.siblings._answers = {SEEN: mumble}
        note(first, 50)
        await first.canary.tick()
        assert first.canary.state == "promoted", "it judged by what it saw itself"

    played(tmp_path, story)
