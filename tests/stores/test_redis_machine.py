"""Any order of admissions, ends, crashes and losses on a shared store: caps hold within the stated bound."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from gateway.domain.key import Key, Limits
from gateway.state.calendar import Calendar
from gateway.state.limits import Reservation, Spent
from gateway.state.money import nano_at_most, nano_of
from gateway.state.stores.link import Link
from gateway.state.stores.redis import RedisLimits
from tests.nightly import often
from tests.stores.redis_server import RedisServer

PROCESSES, CAP_USD = 3, 5.0
KEY = Key(name="k", digests=(), scopes=frozenset(), limits=Limits(monthly_usd=CAP_USD, concurrency=6))
HELD_AT_MOST = PROCESSES * min(0.01 * CAP_USD, 1.0)
_folder = tempfile.TemporaryDirectory(prefix="redis-machine-")
_server = RedisServer(Path(_folder.name))


def setup_module() -> None:
    _server.start()


def teardown_module() -> None:
    _server.close()
    _folder.cleanup()


class SharedMachine(RuleBasedStateMachine):
    """The ledger is exact and at once, as after the journal's lag."""

    running: Any = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        _server.empty()
        self.there = True
        self.loop = asyncio.new_event_loop()
        self.spent = Spent()
        self.links: list[Link] = []
        self.over = self.slack = 0
        self.open: dict[int, tuple[int, Reservation]] = {}
        self.unknown_nano = 0
        self.jump = 0.0
        self.admitted = self.settled = self.released = self.unknown = 0
        self.stores = [self.a_process() for _ in range(PROCESSES)]

    def a_process(self) -> RedisLimits:
        async def make() -> RedisLimits:
            link = Link(_server.url, time.monotonic, 5.0)
            self.links.append(link)
            calendar = Calendar(time.monotonic(), time.time())
            store = RedisLimits(link, calendar, time.monotonic, self.in_ledger, PROCESSES)
            store.recovery.lag_s = 0.0
            return store

        return self.loop.run_until_complete(make())

    async def in_ledger(self, key: str, month: str) -> Spent:
        return self.spent

    @rule(target=running, at=st.integers(0, PROCESSES - 1), usd=st.floats(0.0, 1.5))
    def reserve(self, at: int, usd: float) -> Any:
        work = self.stores[at].ask(KEY, 1, usd, time.monotonic(), time.time() + self.jump)
        outcome = self.loop.run_until_complete(work)
        if not isinstance(outcome, Reservation):
            return multiple()
        self.admitted += 1
        self.open[id(outcome)] = (at, outcome)
        return outcome

    @rule(reservation=consumes(running), usd=st.floats(0.0, 1.8))
    def settle(self, reservation: Reservation, usd: float) -> None:
        at, _ = self.open.pop(id(reservation), (None, None))
        if at is None:
            return
        self.settled += 1
        for _ in range(2):
            self.stores[at].settle(reservation, 1, usd)
        self.spent = Spent(self.spent.tokens + 1, self.spent.nano_usd + nano_of(usd))
        self.over += max(0, nano_of(usd) - reservation.nano_usd)

    @rule(reservation=consumes(running))
    def release(self, reservation: Reservation) -> None:
        at, _ = self.open.pop(id(reservation), (None, None))
        if at is not None:
            self.released += 1
            self.stores[at].release(reservation)

    @rule(at=st.integers(0, PROCESSES - 1))
    def keep_in_touch(self, at: int) -> None:
        self.loop.run_until_complete(self.stores[at].keep_in_touch())

    @rule(at=st.integers(0, PROCESSES - 1))
    def a_process_dies(self, at: int) -> None:
        """What it settled and never told is in the ledger only; what it held stays held for a while."""
        self.unknown_nano += sum(each.nano_usd for owner, each in self.open.values() if owner == at)
        self.unknown += sum(owner == at for owner, _ in self.open.values())
        self.open = {name: pair for name, pair in self.open.items() if pair[0] != at}
        self.stores[at] = self.a_process()

    @rule(seconds=st.sampled_from([-3600.0, 3600.0, 40 * 86400.0]))
    def the_wall_clock_jumps(self, seconds: float) -> None:
        self.jump += seconds

    @precondition(lambda self: self.there)
    @rule()
    def the_store_is_emptied(self) -> None:
        _server.empty()
        self.forgotten()

    @precondition(lambda self: self.there)
    @rule()
    def the_store_goes_away(self) -> None:
        _server.kill()
        self.there = False
        self.forgotten()

    @precondition(lambda self: not self.there)
    @rule()
    def the_store_comes_back(self) -> None:
        _server.start()
        self.there = True
        for link in self.links:
            link._rested_at = 0.0

    def forgotten(self) -> None:
        """Each process still holds its lease and what runs; the new life of the store hears of that bit by bit."""
        running = sum(each.nano_usd for _, each in self.open.values())
        self.slack += running + self.unknown_nano + nano_at_most(HELD_AT_MOST)

    @invariant()
    def no_cap_is_passed_by_more_than_the_bound(self) -> None:
        promised = self.spent.nano_usd + sum(each.nano_usd for _, each in self.open.values())
        assert promised <= nano_at_most(CAP_USD) + self.over + self.slack

    @invariant()
    def every_admission_has_one_end(self) -> None:
        assert self.admitted == self.settled + self.released + self.unknown + len(self.open)
        for at, store in enumerate(self.stores):
            lease = store._leases.get(KEY.name)
            running = 0 if lease is None else lease.running
            assert running == sum(owner == at for owner, _ in self.open.values())

    @invariant()
    def nothing_is_negative(self) -> None:
        for store in self.stores:
            lease = store._leases.get(KEY.name)
            if lease is not None:
                assert lease.running >= 0
                assert lease.running_nano >= 0
                assert lease.spent_nano >= 0
                assert store.spent(KEY.name, 0.0).nano_usd >= 0

    def teardown(self) -> None:
        async def close() -> None:
            for link in self.links:
                await link.aclose()

        if not self.there:
            _server.start()
        self.loop.run_until_complete(close())
        self.loop.close()


TestSharedMachine = SharedMachine.TestCase
TestSharedMachine.settings = settings(max_examples=often(day=40, night=2000), stateful_step_count=30, deadline=None)
