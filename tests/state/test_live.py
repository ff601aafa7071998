"""The snapshot that serves now, and those that still have visitors."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.domain.snapshot import Snapshot
from gateway.state.live import Live
from tests.builders import a_snapshot

ONE, TWO, THREE = (a_snapshot(digest=letter * 64) for letter in "abc")


def test_whoever_enters_sees_what_serves_now() -> None:
    live = Live(ONE)
    assert live.enter() is ONE
    live.swap(TWO)
    assert live.enter() is TWO
    assert live.current is TWO


def test_an_old_snapshot_retires_at_once_if_nobody_is_inside() -> None:
    retired: list[Snapshot] = []
    live = Live(ONE, retired.append)
    live.leave(live.enter())
    live.swap(TWO)
    assert retired == [ONE]
    assert live.retiring == ()


def test_an_old_snapshot_retires_with_its_last_visitor() -> None:
    retired: list[Snapshot] = []
    live = Live(ONE, retired.append)
    first, second = live.enter(), live.enter()
    live.swap(TWO)
    live.leave(first)
    assert retired == []
    assert [(tenure.snapshot, tenure.visitors) for tenure in live.retiring] == [(ONE, 1)]
    live.leave(second)
    assert retired == [ONE]


def test_several_old_snapshots_retire_in_the_order_in_which_they_empty() -> None:
    retired: list[Snapshot] = []
    live = Live(ONE, retired.append)
    slow = live.enter()
    live.swap(TWO)
    quick = live.enter()
    live.swap(THREE)
    live.leave(quick)
    live.leave(slow)
    assert retired == [TWO, ONE]
    assert live.swaps == 2


def test_a_candidate_is_entered_by_those_who_try_it_only() -> None:
    retired: list[Snapshot] = []
    live = Live(ONE, retired.append)
    assert live.enter_candidate() is ONE, "there is none"
    live.try_out(TWO)
    assert (live.enter(), live.enter_candidate(), live.candidate) == (ONE, TWO, TWO)
    live.drop()
    assert live.candidate is None
    assert live.enter_candidate() is ONE
    assert retired == []
    live.leave(TWO)
    assert retired == [TWO]


def test_a_promoted_candidate_keeps_its_visitors() -> None:
    retired: list[Snapshot] = []
    live = Live(ONE, retired.append)
    old = live.enter()
    live.try_out(TWO)
    tried = live.enter_candidate()
    live.promote()
    assert (live.current, live.candidate, live.visitors, live.swaps) == (TWO, None, 1, 1)
    live.leave(tried)
    assert (live.visitors, retired) == (0, [])
    live.leave(old)
    assert retired == [ONE]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20))
def test_the_counts_are_of_those_inside(before: int, after: int) -> None:
    live = Live(ONE)
    for _ in range(before):
        live.enter()
    live.swap(TWO)
    for _ in range(after):
        live.enter()
    assert live.visitors == after
    assert sum(tenure.visitors for tenure in live.retiring) == before


class AnyVisits(RuleBasedStateMachine):
    """However people come and go: a snapshot retires exactly once, never before its last visitor has left."""

    def __init__(self) -> None:
        super().__init__()
        self.retired: list[Snapshot] = []
        self.made = [a_snapshot(digest="0" * 64)]
        self.live = Live(self.made[0], self.retired.append)
        self.inside: list[Snapshot] = []

    @rule()
    def enter(self) -> None:
        self.inside.append(self.live.enter())

    @rule()
    def enter_candidate(self) -> None:
        self.inside.append(self.live.enter_candidate())

    @rule()
    def try_out(self) -> None:
        self.made.append(a_snapshot(digest=f"{len(self.made):064}"))
        self.live.try_out(self.made[-1])

    @rule()
    def promote(self) -> None:
        self.live.promote()

    @rule()
    def drop(self) -> None:
        self.live.drop()

    @rule(which=st.integers(0, 1000))
    def leave(self, which: int) -> None:
        if self.inside:
            self.live.leave(self.inside.pop(which % len(self.inside)))

    @rule()
    def swap(self) -> None:
        self.made.append(a_snapshot(digest=f"{len(self.made):064}"))
        self.live.swap(self.made[-1])

    @invariant()
    def only_empty_ones_are_retired(self) -> None:
        serving = (self.live.current, self.live.candidate)
        wanted = [one for one in self.made if not any(one is other for other in (*serving, *self.inside))]
        assert sorted(one.digest for one in self.retired) == sorted(one.digest for one in wanted)


TestAnyVisits = AnyVisits.TestCase
TestAnyVisits.settings = settings(max_examples=50, deadline=None)
