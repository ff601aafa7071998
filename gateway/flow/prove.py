"""Run the tests of a configuration: each ask, in its moment, through the decision that serving makes."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields

from gateway.config.compile import drive
from gateway.config.loading import Loading
from gateway.config.problem import Problem
from gateway.config.shape import Declaration
from gateway.config.shape.proving import Trial, TrialAsk, TrialCase, TrialExpect, TrialMoment
from gateway.config.tree import Path
from gateway.config.whereabouts import problem_at
from gateway.domain.snapshot import Snapshot
from gateway.flow.expected import Seen, differences
from gateway.flow.outlook import outlook_with_key, whole_plan
from gateway.flow.suppose import Names, ask_of, moment_of_trial

SLICE = 20
"""Tests between two breaths: a few milliseconds of work."""

T = TypeVar("T", TrialAsk, TrialMoment, TrialExpect)


class Failure(Struct, frozen=True):
    """One expectation that does not hold."""

    path: Path
    """Of the expectation, in the declaration."""
    message: str


class Proof(Struct, frozen=True, kw_only=True):
    """What became of one test, or of one case of its table."""

    name: str
    case: str | None
    """Its name, or its number counted from 1."""
    path: Path
    ask: TrialAsk
    expect: TrialExpect
    seen: Seen
    failures: tuple[Failure, ...]

    @property
    def title(self) -> str:
        return self.name if self.case is None else f"{self.name} [{self.case}]"


def prove(said: Declaration, snapshot: Snapshot, unix: float) -> Generator[None, None, tuple[Proof, ...]]:
    """Yields between slices; returns one proof a case, in the order of the files."""
    names = Names(snapshot.table)
    proofs: list[Proof] = []
    for rehearsal in rehearsals(said.tests):
        proofs.append(_proven(rehearsal, snapshot, names, unix))
        if len(proofs) % SLICE == 0:
            yield
    return tuple(proofs)


def problems_of(proofs: Iterable[Proof], loading: Loading) -> tuple[Problem, ...]:
    """Each failure at its place."""
    return tuple(
        problem_at(
            loading.places, "TH2704", failure.path, f"{proof.title}: {failure.message}", proof.seen.route() or None
        )
        for proof in proofs
        for failure in proof.failures
    )


def failed_tests(loading: Loading, snapshot: Snapshot, unix: float) -> tuple[Problem, ...]:
    """What speaks against taking a snapshot into service; nothing where its files say that tests are not to be run."""
    if loading.declaration is None or not snapshot.reload.run_tests:
        return ()
    return problems_of(drive(prove(loading.declaration, snapshot, unix)), loading)


class Rehearsal(Struct, frozen=True, kw_only=True):
    """One case with everything it says and inherits."""

    name: str
    case: str | None
    path: Path
    outer: Path
    """Of the test it belongs to: where what it inherits stands."""
    ask: TrialAsk
    moment: TrialMoment
    expect: TrialExpect
    own: TrialExpect
    """What it expects itself."""


def rehearsals(trials: Iterable[Trial]) -> Iterator[Rehearsal]:
    """Every case of every test; a test without cases is one."""
    for index, trial in enumerate(trials):
        outer: Path = ("tests", index)
        if not trial.cases:
            yield Rehearsal(
                name=trial.name,
                case=None,
                path=outer,
                outer=outer,
                ask=trial.ask,
                moment=trial.moment,
                expect=trial.expect,
                own=trial.expect,
            )
        for number, case in enumerate(trial.cases):
            yield _of_case(trial, case, number, outer)


def _of_case(trial: Trial, case: TrialCase, number: int, outer: Path) -> Rehearsal:
    return Rehearsal(
        name=trial.name,
        case=case.name or str(number + 1),
        path=(*outer, "cases", number),
        outer=outer,
        ask=_over(trial.ask, case.ask),
        moment=_over(trial.moment, case.moment),
        expect=_over(_without_contraries(trial.expect, case.expect), case.expect),
        own=case.expect,
    )


def _over(base: T, case: T) -> T:
    """Single fields of the base replaced by those the case says."""
    nothing = type(case)()
    said = {
        field.name: value
        for field in fields(case)
        if (value := getattr(case, field.name)) != getattr(nothing, field.name)
    }
    return type(base)(**({field.name: getattr(base, field.name) for field in fields(base)} | said))


def _without_contraries(base: TrialExpect, case: TrialExpect) -> TrialExpect:
    """A case that expects an error does not inherit a route, nor one with a route an error."""
    if case.error is not None:
        return TrialExpect(refused=base.refused, headers=base.headers)
    routed = case.model or case.provider or case.reason or case.then is not None
    return TrialExpect(**(_said(base) | {"error": None})) if routed else base


def _said(expect: TrialExpect) -> dict[str, Any]:
    return {field.name: getattr(expect, field.name) for field in fields(expect)}


def _proven(rehearsal: Rehearsal, snapshot: Snapshot, names: Names, unix: float) -> Proof:
    ask = ask_of(snapshot, rehearsal.ask)
    moment = moment_of_trial(snapshot, rehearsal.moment, names, unix)
    found = outlook_with_key(snapshot, moment, ask)
    wants_refusals = bool(rehearsal.expect.refused)
    seen = Seen(
        ask=ask,
        plan=found.plan,
        error=found.error,
        whole=whole_plan(snapshot, moment, ask) if wants_refusals or found.plan is None else found.plan,
    )
    failures = tuple(
        Failure((*_home(rehearsal, str(field[0])), "expect", *field), message)
        for field, message in differences(rehearsal.expect, seen, names)
    )
    return Proof(
        name=rehearsal.name,
        case=rehearsal.case,
        path=rehearsal.path,
        ask=rehearsal.ask,
        expect=rehearsal.expect,
        seen=seen,
        failures=failures,
    )


def _home(rehearsal: Rehearsal, field: str) -> Path:
    """An inherited expectation stands with the test, another with the case."""
    inherited = getattr(rehearsal.own, field) == getattr(TrialExpect(), field)
    return rehearsal.outer if inherited and getattr(rehearsal.expect, field) else rehearsal.path
