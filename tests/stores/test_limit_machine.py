"""Any order of admissions, ends, crashes and jumps: no cap is passed, nothing is negative, nothing is lost."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from gateway.domain.key import Key, Limits
from gateway.state.limits import Reservation, Spent
from gateway.state.money import nano_at_most, nano_of
from gateway.state.stores.memory import MemoryLimits
from tests.nightly import often

CAP_USD, CAP_TOKENS, AT_ONCE = 1.0, 5_000, 4
KEY = Key(
    name="k",
    digests=(),
    scopes=frozenset(),
    limits=Limits(monthly_usd=CAP_USD, monthly_tokens=CAP_TOKENS, concurrency=AT_ONCE, requests_per_minute=30),
)
amounts = st.integers(0, 2_000)
prices = st.floats(0, 0.6, allow_nan=False)


class LimitMachine(RuleBasedStateMachine):
    """The ledger is a list here; after a crash the store is made again from it, as at a real start."""

    running: Any = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.now, self.unix = 100.0, 1_798_700_000.0
        self.store = MemoryLimits(self.now, self.unix)
        self.month = "2026-12"
        self.ledger: list[tuple[int, int]] = []
        self.open: dict[int, Reservation] = {}
        self.admitted = self.settled = self.released = self.unknown = 0
        self.over_usd = self.over_tokens = 0
        self.stamps: list[float] = []

    @rule(target=running, tokens=amounts, usd=prices)
    def reserve(self, tokens: int, usd: float) -> Any:
        outcome = self.store.reserve(KEY, tokens, usd, self.now, self.unix, deadline_s=10.0)
        if not isinstance(outcome, Reservation):
            return multiple()
        assert len(self.open) < AT_ONCE
        self.admitted += 1
        self.open[id(outcome)] = outcome
        self.stamps.append(self.now)
        return outcome

    @rule(reservation=consumes(running), tokens=amounts, usd=prices)
    def settle(self, reservation: Reservation, tokens: int, usd: float) -> None:
        if self.open.pop(id(reservation), None) is None:
            return
        self.store.settle(reservation, tokens, usd)
        self.store.settle(reservation, tokens, usd)
        self.ledger.append((tokens, nano_of(usd)))
        self.settled += 1
        self.over_usd += max(0, nano_of(usd) - reservation.nano_usd)
        self.over_tokens += max(0, tokens - reservation.tokens)

    @rule(reservation=consumes(running))
    def release(self, reservation: Reservation) -> None:
        if self.open.pop(id(reservation), None) is not None:
            self.store.release(reservation)
            self.released += 1

    @rule(seconds=st.floats(0, 15))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.unix += seconds
        lost = [name for name, reservation in self.open.items() if self.now >= reservation.expires]
        assert self.store.expire(self.now) == len(lost)
        self.unknown += len(lost)
        for name in lost:
            del self.open[name]

    @rule(seconds=st.sampled_from([-3600.0, 3600.0, 40 * 86400.0]))
    def the_wall_clock_jumps(self, seconds: float) -> None:
        self.unix += seconds

    @rule()
    def crash_and_restart(self) -> None:
        self.unknown += len(self.open)
        self.open.clear()
        self.stamps.clear()
        self.store = MemoryLimits(self.now, 1_798_700_000.0)
        spent = Spent(sum(tokens for tokens, _ in self.ledger), sum(nano for _, nano in self.ledger))
        self.store.restore([(KEY.name, self.month, spent)])

    @invariant()
    def every_admission_has_one_end(self) -> None:
        assert self.admitted == self.settled + self.released + self.unknown + len(self.open)
        assert self.store.in_flight(KEY.name) == len(self.open)

    @invariant()
    def spending_equals_the_ledger_and_passes_no_cap_by_more_than_was_used_above_the_reserve(self) -> None:
        spent = self.store.spent(KEY.name, self.now)
        assert spent == Spent(sum(tokens for tokens, _ in self.ledger), sum(nano for _, nano in self.ledger))
        held_usd = sum(each.nano_usd for each in self.open.values())
        held_tokens = sum(each.tokens for each in self.open.values())
        assert 0 <= spent.nano_usd + held_usd <= nano_at_most(CAP_USD) + self.over_usd
        assert 0 <= spent.tokens + held_tokens <= CAP_TOKENS + self.over_tokens

    @invariant()
    def no_minute_holds_more_than_twice_the_rate(self) -> None:
        """A burst of a whole minute, and what flows back during the next."""
        recent = [stamp for stamp in self.stamps if stamp > self.now - 60.0]
        assert len(recent) <= 60


TestLimitMachine = LimitMachine.TestCase
TestLimitMachine.settings = settings(max_examples=often(day=100, night=5000), stateful_step_count=40, deadline=None)
