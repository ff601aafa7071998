"""Limits shared through a real Redis: exact together, bounded when it is paused, emptied, restarted or gone."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.key import Key, Limits
from gateway.state.arms import Arms
from gateway.state.calendar import Calendar
from gateway.state.limits import Alert, Denial, Reservation, Spent
from gateway.state.overrides import Overrides
from gateway.state.stores.link import Link
from gateway.state.stores.redis import RedisLimits
from gateway.state.stores.sharing import Sharing
from tests.stores.redis_server import RedisServer


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.close()


@pytest.fixture
def server(running: RedisServer) -> RedisServer:
    running.empty()
    return running


class Fleet:
    """Several processes of one gateway, and the ledger they share."""

    def __init__(self, server: RedisServer, count: int = 1, deadline_s: float = 0.5) -> None:
        self.ledger: dict[str, Spent] = {}
        self.links = [Link(server.url, time.monotonic, deadline_s) for _ in range(count)]
        self.stores = [
            RedisLimits(link, Calendar(time.monotonic(), time.time()), time.monotonic, self.spent_in_ledger, count)
            for link in self.links
        ]

    async def spent_in_ledger(self, key: str, month: str) -> Spent:
        return self.ledger.get(key, Spent())

    async def reserve(self, key: Key, tokens: int = 10, usd: float | None = 0.0, at: int = 0) -> Reservation | Denial:
        store = self.stores[at]
        quick = store.reserve(key, tokens, usd, time.monotonic(), time.time())
        return quick if quick is not None else await store.ask(key, tokens, usd, time.monotonic(), time.time())

    def settle(self, reservation: Reservation, tokens: int, usd: float, at: int = 0) -> None:
        self.stores[at].settle(reservation, tokens, usd)
        known = self.ledger.get(reservation.key.name, Spent())
        self.ledger[reservation.key.name] = Spent(known.tokens + tokens, known.nano_usd + round(usd * 1e9))


Story = Callable[[Fleet], Awaitable[None]]


def told(server: RedisServer, story: Story, count: int = 1, deadline_s: float = 0.5) -> None:
    async def tell() -> None:
        fleet = Fleet(server, count, deadline_s)
        try:
            await story(fleet)
        finally:
            for store in fleet.stores:
                await store.aclose()

    asyncio.run(tell())


def a_key(name: str = "web-app", **limits: Any) -> Key:
    return Key(name=name, digests=(), scopes=frozenset(), limits=Limits(**limits))


def code(outcome: Reservation | Denial) -> str:
    return outcome.code if isinstance(outcome, Denial) else "ok"


def usd(spent: Spent) -> float:
    return spent.nano_usd / 1e9


async def in_parallel(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    return list(await asyncio.gather(*work))


def test_n15_a_rate_is_exact_over_all_processes(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(requests_per_minute=100)
        started = time.monotonic()
        outcomes = await in_parallel(*(fleet.reserve(key, at=number % 4) for number in range(600)))
        passed = [code(each) for each in outcomes].count("ok")
        assert 90 <= passed <= 100 + (time.monotonic() - started) * 100 / 60 + 1
        assert {code(each) for each in outcomes} == {"ok", "requests_per_minute"}

    told(server, story, count=4, deadline_s=5.0)


def test_n13_a_cap_is_passed_by_nobody_however_many_ask_at_once(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(monthly_usd=10.0)

        async def request(number: int) -> float:
            outcome = await fleet.reserve(key, usd=0.05, at=number % 4)
            if isinstance(outcome, Denial):
                assert outcome.code == "monthly_spend"
                return 0.0
            await asyncio.sleep(0)
            fleet.settle(outcome, 10, 0.04, at=number % 4)
            return 0.04

        spent = sum(await in_parallel(*(request(number) for number in range(500))))
        assert 9.0 <= spent <= 10.0
        for store in fleet.stores:
            await store.keep_in_touch()
        assert usd(fleet.stores[0].spent(key.name, 0.0)) == pytest.approx(spent, abs=1.0)

    told(server, story, count=4, deadline_s=5.0)


def test_places_are_shared_and_given_back(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(concurrency=3)
        held = [await fleet.reserve(key, at=at) for at in (0, 1, 1)]
        assert [code(each) for each in held] == ["ok", "ok", "ok"]
        assert code(await fleet.reserve(key, at=0)) == "concurrency"
        fleet.stores[1].release(held[1])  # type: ignore[arg-type]
        assert code(await fleet.reserve(key, at=1)) == "ok"

    told(server, story, count=2)


def test_most_requests_need_no_round_trip(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(requests_per_minute=60_000, monthly_usd=10_000.0, concurrency=100)
        asked = 0
        for _ in range(300):
            quick = fleet.stores[0].reserve(key, 10, 0.001, time.monotonic(), time.time())
            if quick is None:
                asked += 1
                quick = await fleet.stores[0].ask(key, 10, 0.001, time.monotonic(), time.time())
            assert isinstance(quick, Reservation)
            fleet.settle(quick, 10, 0.001)
        assert asked <= 5

    told(server, story)


def test_what_is_refused_says_why(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        assert code(await fleet.reserve(a_key("a", tokens_per_minute=100), 101)) == "tokens_per_minute"
        assert code(await fleet.reserve(a_key("c", monthly_usd=1.0), 1, None)) == "monthly_spend"
        assert code(await fleet.reserve(a_key("d", monthly_tokens=100), 101)) == "monthly_tokens"
        key = a_key("e", tokens_per_minute=600)
        assert code(await fleet.reserve(key, 600)) == "ok"
        denial = await fleet.reserve(key, 100)
        assert isinstance(denial, Denial)
        assert denial.retry_after_s == pytest.approx(10.0, abs=0.5)
        standing = fleet.stores[0].standing(key, time.monotonic(), time.time())
        assert standing is not None
        assert standing.tokens is not None
        assert standing.tokens.remaining <= 10

    told(server, story)


def test_d03_an_emptied_store_starts_from_the_ledger_never_from_zero(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(monthly_usd=1.0)
        for at in (0, 1):
            outcome = await fleet.reserve(key, usd=0.4, at=at)
            assert isinstance(outcome, Reservation)
            fleet.settle(outcome, 10, 0.4, at=at)
        for store in fleet.stores:
            await store.keep_in_touch()
        server.empty()
        server.forget_scripts()
        assert code(await fleet.reserve(key, usd=0.4, at=0)) == "monthly_spend"
        assert code(await fleet.reserve(key, usd=0.4, at=1)) == "monthly_spend"
        assert code(await fleet.reserve(key, usd=0.15, at=1)) == "ok"

    told(server, story, count=2)


def test_spending_of_this_month_is_known_after_a_restart_of_everything(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        fleet.ledger["web-app"] = Spent(0, 900_000_000)
        assert code(await fleet.reserve(a_key(monthly_usd=1.0), usd=0.2)) == "monthly_spend"
        assert code(await fleet.reserve(a_key(monthly_usd=1.0), usd=0.05)) == "ok"

    told(server, story)


def test_n38_a_paused_store_costs_a_few_requests_a_moment_and_then_nothing(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        rated, capped, free = a_key("r", requests_per_minute=6), a_key("c", monthly_usd=1.0), a_key("f")
        first = await fleet.reserve(capped, usd=0.001)
        assert isinstance(first, Reservation)
        server.pause()
        try:
            waited = []
            for _ in range(20):
                begun = time.monotonic()
                await fleet.reserve(a_key(f"other-{len(waited)}", requests_per_minute=6))
                waited.append(time.monotonic() - begun)
            assert fleet.links[0].down
            assert sum(wait > 0.03 for wait in waited) <= 5
            assert code(await fleet.reserve(free)) == "ok"
            assert [code(await fleet.reserve(rated)) for _ in range(7)] == ["ok"] * 6 + ["requests_per_minute"]
            got = [code(await fleet.reserve(capped, usd=0.001)) for _ in range(20)]
            assert got.count("ok") == 9
            assert set(got) == {"ok", "quota_unavailable"}
        finally:
            server.resume()
        for _ in range(100):
            fleet.links[0]._rested_at = 0.0
            await fleet.stores[0].keep_in_touch()
            if not fleet.links[0].down:
                break
        assert not fleet.links[0].down
        assert code(await fleet.reserve(capped, usd=0.5)) == "ok"

    told(server, story, deadline_s=0.05)


def test_n38_while_nothing_comes_back_five_requests_wait_and_from_then_on_none(tmp_path: Path) -> None:
    """The store accepts and never says a word: every call that waited for it left one connection behind."""
    waited: list[asyncio.StreamWriter] = []

    async def hole(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waited.append(writer)

    async def story() -> None:
        path = tmp_path / "hole.sock"
        server = await asyncio.start_unix_server(hole, path)
        clock = [100.0]
        link = Link(f"unix://{path}", lambda: clock[0])
        calendar = Calendar(time.monotonic(), time.time())
        store = RedisLimits(link, calendar, time.monotonic, nothing_in_ledger, 4)
        rated, capped = a_key("r", requests_per_minute=10_000), a_key("c", monthly_usd=1.0)
        for number in range(100):
            clock[0] += 1.0
            await in_parallel(*(store.ask(key, 1, 0.01, time.monotonic(), time.time()) for key in (rated, capped)))
            assert len(waited) <= 5, f"request {number}"
        assert link.down
        clock[0] += 10.0
        await store.keep_in_touch()
        assert len(waited) == 6, "whether it is back is found out beside the requests"
        await store.aclose()
        server.close()
        for writer in waited:
            writer.close()

    asyncio.run(story())


async def nothing_in_ledger(_key: str, _month: str) -> Spent:
    return Spent()


def test_n14_a_lost_store_lets_nobody_spend_more_than_was_held(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(monthly_usd=50.0)
        spent = 0.0
        for number in range(400):
            if number == 200:
                server.kill()
            outcome = await fleet.reserve(key, usd=0.1, at=number % 4)
            if isinstance(outcome, Reservation):
                fleet.settle(outcome, 10, 0.1, at=number % 4)
                spent += 0.1
        before_the_loss = 200 * 0.1
        assert spent <= before_the_loss + 4 * min(0.01 * 50.0, 1.0) + 1e-6
        assert all(link.down for link in fleet.links)
        server.start()
        for link, store in zip(fleet.links, fleet.stores, strict=True):
            link._rested_at = 0.0
            await store.keep_in_touch()
        outcome = await fleet.reserve(key, usd=0.1)
        assert code(outcome) == "ok"
        known = usd(fleet.stores[0].spent(key.name, 0.0))
        assert spent - 1e-6 <= known <= spent + 4 * 0.6, "what nobody had told the old store may count twice, never not"

    told(server, story, count=4, deadline_s=0.2)


def test_d05_a_store_that_only_reads_counts_as_away_and_is_found_again(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(requests_per_minute=100)
        assert code(await fleet.reserve(key)) == "ok"
        server.command("REPLICAOF 127.0.0.1 1")
        for number in range(6):
            assert code(await fleet.reserve(a_key(f"k{number}", requests_per_minute=100))) == "ok"
        assert fleet.links[0].failures > 0
        server.command("REPLICAOF NO ONE")
        fleet.links[0]._rested_at = 0.0
        await fleet.stores[0].keep_in_touch()
        assert fleet.links[0].failures == 0

    told(server, story)


def test_d07_calls_that_are_cut_off_never_get_each_others_answers(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        link = fleet.links[0]

        async def echo(number: int) -> None:
            assert await link.call("ECHO", str(number)) == str(number)

        for number in range(60):
            cut = asyncio.ensure_future(link.call("ECHO", f"cut-{number}"))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            cut.cancel()
            await asyncio.gather(cut, return_exceptions=True)
            await in_parallel(*(echo(number * 10 + each) for each in range(3)))

    told(server, story, deadline_s=5.0)


def test_an_alert_is_told_once_by_all_processes_together(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        heard: list[Alert] = []
        for store in fleet.stores:
            store.adopt((0.5, 1.0))
            store.on_alert = heard.append
        key = a_key(monthly_usd=1.0)
        for at in (0, 1, 0):
            outcome = await fleet.reserve(key, usd=0.2, at=at)
            assert isinstance(outcome, Reservation)
            fleet.settle(outcome, 10, 0.2, at=at)
        for _ in range(2):
            for store in fleet.stores:
                await store.keep_in_touch()
        assert [(alert.share, alert.what) for alert in heard] == [(0.5, "usd")]

    told(server, story, count=2)


def test_a_process_that_died_loses_what_it_held_when_its_hold_ends(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(concurrency=1)
        assert code(await fleet.reserve(key, at=0)) == "ok"
        assert code(await fleet.reserve(key, at=1)) == "concurrency"
        fields = server.command("HKEYS th1:{web-app}").decode().split()
        dead = next(each for each in fields if each == f"s:{fleet.stores[0]._process}")
        server.command(f"HSET th1:{{web-app}} {dead} 9,0,0,0,0,1,1")
        assert code(await fleet.reserve(key, at=1)) == "ok"

    told(server, story, count=2)


def test_d21_what_a_dead_process_never_told_is_found_in_the_ledger(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(monthly_usd=1.0)
        for at in (0, 1):
            outcome = await fleet.reserve(key, usd=0.3, at=at)
            assert isinstance(outcome, Reservation)
            fleet.settle(outcome, 10, 0.3, at=at)
        await fleet.stores[1].keep_in_touch()
        dead = f"s:{fleet.stores[0]._process}"
        server.command(f"HSET th1:{{web-app}} {dead} 9,0,0,0,0,0,1")
        recovery = fleet.stores[1].recovery
        month = fleet.stores[1].calendar.month(time.monotonic())
        begun = time.monotonic()
        for later in (0.0, 61.0, 67.0, 130.0, 136.0):
            await recovery.reconcile("web-app", month, begun + later)
        assert code(await fleet.reserve(key, usd=0.5, at=1)) == "monthly_spend"
        assert code(await fleet.reserve(key, usd=0.35, at=1)) == "ok"
        assert caplog.text.count("had missed 10 tokens and $0.300000") == 1

    told(server, story, count=2)


def test_overrides_and_lessons_reach_the_others(server: RedisServer, tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        overrides = [Overrides(), Overrides(tmp_path / "overrides.json")]
        arms = [Arms(3600.0), Arms(3600.0)]
        sharing = [
            Sharing(link, book, arm, name)
            for link, book, arm, name in zip(fleet.links, overrides, arms, ("a", "b"), strict=True)
        ]
        for each in sharing:
            await each.round(0.0)
        overrides[0].disable_provider("openai", 5.0)
        arms[0].teach("openai/gpt", "small", 1.0, 0.0)
        for _ in range(2):
            for each in sharing:
                await each.round(0.0)
        assert overrides[1].disabled_providers == {"openai"}
        assert arms[1].view["openai/gpt", "small"].alpha == 2.0
        assert arms[0].view["openai/gpt", "small"].alpha == 2.0
        overrides[1].enable_provider("openai")
        for each in (sharing[1], sharing[0]):
            await each.round(0.0)
        assert overrides[0].disabled_providers == frozenset()

    told(server, story, count=2)


def test_the_months_of_the_script_are_those_of_the_calendar(server: RedisServer) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(monthly_usd=1.0)
        outcome = await fleet.reserve(key, usd=0.1)
        assert isinstance(outcome, Reservation)
        assert outcome.month == fleet.stores[0].calendar.month(time.monotonic())

    told(server, story)


def test_d06_a_store_that_forgets_when_it_is_full_is_warned_about(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.links[0].warn_if_forgetful()
        assert "may evict keys" not in caplog.text
        server.command("CONFIG SET maxmemory-policy allkeys-lru")
        await fleet.links[0].warn_if_forgetful()
        assert "may evict keys (maxmemory-policy allkeys-lru)" in caplog.text
        server.command("CONFIG SET maxmemory-policy noeviction")

    told(server, story)


def test_w05_names_hold_the_version_of_their_layout_and_all_end_some_day(server: RedisServer, tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        key = a_key(monthly_usd=1.0, requests_per_minute=10)
        fleet.stores[0].adopt((0.01,))
        outcome = await fleet.reserve(key, usd=0.5)
        assert isinstance(outcome, Reservation)
        fleet.settle(outcome, 10, 0.5)
        for _ in range(2):
            await fleet.stores[0].keep_in_touch()
        names = [line for line in server.command("KEYS *").decode().split("\r\n") if line and line[0] not in "*$"]
        assert len(names) >= 2
        for name in names:
            assert name.startswith("th1:")
            assert int(server.command(f"TTL {name}").decode().strip(": \r\n")) > 0

    told(server, story)
